CREATE TABLE "engagement" (
	"post_id" uuid NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"views" bigint,
	"likes" bigint,
	"comments" bigint,
	"shares" bigint,
	"saves" bigint,
	"clicks" bigint,
	CONSTRAINT "engagement_post_id_at_pk" PRIMARY KEY("post_id","at")
);
--> statement-breakpoint
CREATE TABLE "platform_pace" (
	"key" text PRIMARY KEY NOT NULL,
	"used" integer NOT NULL,
	"limit" integer,
	"window_seconds" integer,
	"resets_at" timestamp with time zone,
	"blocked_until" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "account_id" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "parent_id" uuid;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "position" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "experiment" text;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "variant" text;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "warnings" jsonb;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "measured_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "measure_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "engagement" ADD CONSTRAINT "engagement_post_id_posts_id_fk" FOREIGN KEY ("post_id") REFERENCES "posts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "posts_parent" ON "posts" USING btree ("parent_id");--> statement-breakpoint
CREATE INDEX "posts_recent" ON "posts" USING btree ("workspace_id","created_at");