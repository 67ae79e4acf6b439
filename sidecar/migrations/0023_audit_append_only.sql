-- The audit log is only added to. What is old enough goes through audit_log_forget, and through nothing else.
CREATE FUNCTION audit_log_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF OLD.created_at < nullif(current_setting('media_pipeline.audit_before', true), '')::timestamptz THEN
			RETURN OLD;
		END IF;
	END IF;
	RAISE EXCEPTION 'The audit log is only added to: % is refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
CREATE TRIGGER audit_log_is_kept BEFORE UPDATE OR DELETE ON "audit_log" FOR EACH ROW EXECUTE FUNCTION audit_log_is_kept();
--> statement-breakpoint
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON "audit_log" FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_kept();
--> statement-breakpoint
-- Forgets what is older than so many days, a week at least, at most so many rows at once. Answers how many.
CREATE FUNCTION audit_log_forget(days integer, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	gone integer;
BEGIN
	IF days < 7 THEN
		RAISE EXCEPTION 'The audit log keeps at least 7 days (given: %).', days USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM set_config('media_pipeline.audit_before', (now() - make_interval(days => days))::text, true);
	DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE created_at < now() - make_interval(days => days) ORDER BY created_at LIMIT most);
	GET DIAGNOSTICS gone = ROW_COUNT;
	PERFORM set_config('media_pipeline.audit_before', '', true);
	RETURN gone;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION audit_log_forget(integer, integer) FROM public;
