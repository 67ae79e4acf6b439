CREATE INDEX "asset_versions_storage_key" ON "asset_versions" USING btree ("storage_key");--> statement-breakpoint
CREATE INDEX "assets_storage_key" ON "assets" USING btree ("storage_key");--> statement-breakpoint
CREATE INDEX "assets_original_key" ON "assets" USING btree ("original_key") WHERE original_key is not null;