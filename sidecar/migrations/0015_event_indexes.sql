DROP INDEX "callbacks_due";--> statement-breakpoint
CREATE INDEX "callbacks_event_due" ON "callbacks" USING btree ("webhook_id","next_at") WHERE status = 'pending' and kind = 'event';--> statement-breakpoint
CREATE INDEX "callbacks_due" ON "callbacks" USING btree ("next_at") WHERE status = 'pending' and kind <> 'event';