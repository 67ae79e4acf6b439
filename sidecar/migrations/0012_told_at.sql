ALTER TABLE "assets" ADD COLUMN "told_at" timestamp with time zone;--> statement-breakpoint
-- What ended before is taken for told: a verdict that is lifted later must not publish it a second time.
UPDATE "assets" SET "told_at" = now();
