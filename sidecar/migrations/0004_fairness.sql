CREATE TABLE "queue_flows" (
	"workspace_id" text NOT NULL,
	"priority" integer NOT NULL,
	"last_tag" double precision NOT NULL,
	CONSTRAINT "queue_flows_workspace_id_priority_pk" PRIMARY KEY("workspace_id","priority")
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "rank" double precision;--> statement-breakpoint
CREATE INDEX "jobs_rank" ON "jobs" USING btree ("rank") WHERE started_at is not null;