DROP INDEX "search_entries_text";--> statement-breakpoint
ALTER TABLE "search_entries" ADD COLUMN "words" "tsvector" GENERATED ALWAYS AS (to_tsvector('simple', regexp_replace("text", '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+', ' ', 'g'))) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "search_entries_workspace" ON "search_entries" USING btree ("workspace_id");--> statement-breakpoint
CREATE INDEX "search_entries_words" ON "search_entries" USING gin ("words");--> statement-breakpoint
ALTER TABLE "search_vectors" ALTER COLUMN "values" SET STORAGE MAIN;