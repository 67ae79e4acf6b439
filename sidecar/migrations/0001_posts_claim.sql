ALTER TABLE "posts" ADD COLUMN "open_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "finish_attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "claim" uuid;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "lease_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "scheduled_for" timestamp with time zone;