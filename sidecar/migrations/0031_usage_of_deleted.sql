DROP INDEX "assets_usage";--> statement-breakpoint
CREATE INDEX "assets_usage" ON "assets" USING btree ("workspace_id","same_as","original_state","bytes","expected_bytes","original_bytes");