ALTER TABLE "jobs" ADD COLUMN "rendition_key" text;--> statement-breakpoint
CREATE INDEX "jobs_rendition" ON "jobs" USING btree ("rendition_key") WHERE rendition_key is not null;