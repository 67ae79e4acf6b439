ALTER TABLE "api_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "asset_versions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "assets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "batches" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "files" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "jobs" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "pipelines" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "queue_flows" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "workspaces" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "callbacks" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "events" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "engagement" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "posts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "asset_tags" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "feedback" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "fingerprints" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "search_entries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "search_vectors" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "webhooks" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "audit_log" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "workspace" ON "api_keys" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "asset_versions" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "assets" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "batches" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "files" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "idempotency_keys" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "jobs" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "pipelines" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "queue_flows" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "workspaces" AS PERMISSIVE FOR ALL TO public USING (id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "callbacks" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "events" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "engagement" AS PERMISSIVE FOR ALL TO public USING (exists (select 1 from posts where posts.id = post_id)) WITH CHECK (exists (select 1 from posts where posts.id = post_id));--> statement-breakpoint
CREATE POLICY "workspace" ON "posts" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "asset_tags" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "feedback" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "fingerprints" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "search_entries" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "search_vectors" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "webhooks" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));--> statement-breakpoint
CREATE POLICY "workspace" ON "audit_log" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));