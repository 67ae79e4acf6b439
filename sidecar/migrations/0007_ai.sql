CREATE TABLE "asset_tags" (
	"asset_id" uuid NOT NULL,
	"tag" text NOT NULL,
	"workspace_id" text NOT NULL,
	"source" text NOT NULL,
	"score" real DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "asset_tags_asset_id_tag_pk" PRIMARY KEY("asset_id","tag")
);
--> statement-breakpoint
CREATE TABLE "feedback" (
	"id" uuid PRIMARY KEY NOT NULL,
	"workspace_id" text NOT NULL,
	"asset_id" uuid,
	"kind" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fingerprints" (
	"id" uuid PRIMARY KEY NOT NULL,
	"workspace_id" text NOT NULL,
	"asset_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"at_seconds" double precision,
	"hash" bigint,
	"sequence" integer[]
);
--> statement-breakpoint
CREATE TABLE "search_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"workspace_id" text NOT NULL,
	"asset_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"start_seconds" double precision,
	"end_seconds" double precision,
	"text" text NOT NULL,
	"language" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "search_vectors" (
	"entry_id" uuid NOT NULL,
	"space" text NOT NULL,
	"workspace_id" text NOT NULL,
	"values" real[] NOT NULL,
	CONSTRAINT "search_vectors_entry_id_space_pk" PRIMARY KEY("entry_id","space")
);
--> statement-breakpoint
ALTER TABLE "asset_tags" ADD CONSTRAINT "asset_tags_asset_id_assets_id_fk" FOREIGN KEY ("asset_id") REFERENCES "assets"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_asset_id_assets_id_fk" FOREIGN KEY ("asset_id") REFERENCES "assets"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fingerprints" ADD CONSTRAINT "fingerprints_asset_id_assets_id_fk" FOREIGN KEY ("asset_id") REFERENCES "assets"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "search_entries" ADD CONSTRAINT "search_entries_asset_id_assets_id_fk" FOREIGN KEY ("asset_id") REFERENCES "assets"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "search_vectors" ADD CONSTRAINT "search_vectors_entry_id_search_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "search_entries"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "asset_tags_workspace" ON "asset_tags" USING btree ("workspace_id","tag");--> statement-breakpoint
CREATE INDEX "feedback_workspace" ON "feedback" USING btree ("workspace_id","kind","created_at");--> statement-breakpoint
CREATE INDEX "feedback_asset" ON "feedback" USING btree ("asset_id");--> statement-breakpoint
CREATE INDEX "fingerprints_workspace" ON "fingerprints" USING btree ("workspace_id","kind");--> statement-breakpoint
CREATE INDEX "fingerprints_asset" ON "fingerprints" USING btree ("asset_id");--> statement-breakpoint
CREATE INDEX "search_entries_asset" ON "search_entries" USING btree ("asset_id");--> statement-breakpoint
CREATE INDEX "search_entries_text" ON "search_entries" USING gin (to_tsvector('simple', "text"));