ALTER TABLE "jobs" ADD COLUMN "reuse" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "reuse_key" text;--> statement-breakpoint
CREATE INDEX "jobs_reuse" ON "jobs" USING btree ("workspace_id","reuse_key") WHERE reuse_key is not null;