CREATE TABLE "watched_files" (
	"workspace_id" text NOT NULL,
	"path" text NOT NULL,
	"version" text NOT NULL,
	"asset_id" uuid NOT NULL,
	"settled_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "watched_files_workspace_id_path_version_pk" PRIMARY KEY("workspace_id","path","version")
);
--> statement-breakpoint
ALTER TABLE "watched_files" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "dedupe" text;--> statement-breakpoint
ALTER TABLE "watched_files" ADD CONSTRAINT "watched_files_workspace_id_workspaces_id_fk" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "watched_files_open" ON "watched_files" USING btree ("workspace_id","settled_at");--> statement-breakpoint
CREATE POLICY "workspace" ON "watched_files" AS PERMISSIVE FOR ALL TO public USING (workspace_id = (select current_setting('media_pipeline.workspace', true))) WITH CHECK (workspace_id = (select current_setting('media_pipeline.workspace', true)));