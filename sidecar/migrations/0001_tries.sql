ALTER TABLE "jobs" ADD COLUMN "uncounted" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "resent" integer DEFAULT 0 NOT NULL;