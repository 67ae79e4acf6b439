ALTER TABLE "files" DROP CONSTRAINT "files_storage_key_unique";--> statement-breakpoint
ALTER TABLE "files" ADD COLUMN "part" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "files" ADD COLUMN "position" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "files_storage_key" ON "files" USING btree ("storage_key");