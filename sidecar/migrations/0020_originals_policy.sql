ALTER TABLE "assets" ADD COLUMN "original_key" text;--> statement-breakpoint
ALTER TABLE "assets" ADD COLUMN "original_bytes" bigint;