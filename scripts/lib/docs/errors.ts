import { ERROR_KINDS, type ErrorCode } from '../../../sidecar/src/errors.ts';
import { code, GENERATED, table } from './markdown.ts';

/** What a code means and what to do. The compiler asks for an entry for a new code, and refuses one for a code that is gone. */
const ADVICE: Record<ErrorCode, [meaning: string, action: string]> = {
	invalid_request: ['A field is missing, unknown or wrong.', 'The message names every wrong field, what was given and what is allowed. Correct the request.'],
	unknown_operation: ['There is no operation of this name.', 'Use one of the names that the message lists (`GET /api/media/operations`).'],
	unauthorized: ['No API key, a wrong one, or a link without its signature.', 'Send `Authorization: Bearer <API key>`; in n8n check the credential *Media Sidecar API*.'],
	forbidden: ['The key belongs to another workspace, or the signature of a link is wrong.', 'Leave `workspace_id` out; take links complete and unchanged.'],
	not_found: ['No such asset, job, batch, callback, file or route in this workspace.', 'Check the id, and that the API key is that of the same workspace.'],
	conflict: ['It is not in a state in which this is possible.', 'The message names the state. A job that came with tokens needs fresh ones to be retried.'],
	idempotency_conflict: ['The same `Idempotency-Key` came with another body or route.', 'Use a new key for a new request.'],
	expired: ['A signed link is older than its time.', 'Read the job or the asset again: its links are signed afresh each time.'],
	input_forbidden: ['The URL leads to a private or local address, or is not https.', 'Use a public https URL, or allow the host: `ALLOWED_PRIVATE_HOSTS`, `ALLOW_HTTP`.'],
	input_too_large: ['The file is larger than allowed, or too long for the provider of AI.', 'Send a smaller file, or raise `MAX_FILE_BYTES`.'],
	input_empty: ['The file has 0 bytes.', 'Look at the source; the upload or export may have been cut off.'],
	input_not_media: ['The content is no video, sound or picture, whatever its name says.', 'The message says what it looks like: often a login page instead of the file.'],
	input_unsupported: ['It is media, but of a kind that this operation does not take.', 'Convert it first, or choose another operation; the message says which kinds are taken.'],
	input_corrupt: ['The file is damaged or was cut off.', 'Play it locally; export or upload it again.'],
	input_no_audio: ['The operation needs sound and there is none.', 'Choose a file with a sound track.'],
	input_no_video: ['The operation needs a picture and there is none.', 'Choose a video or a picture.'],
	input_infected: ['A virus scanner has found something in the file. It was not stored.', 'Scan the machine it comes from. If you are sure that it is a false alarm, report it to the maker of the signature that the message names.'],
	scanner_unavailable: ['Every file must be scanned for viruses, and the scanner does not answer. Nothing passes meanwhile.', 'Tried again by itself. Start clamd, or correct `CLAMD`.'],
	input_not_found: ['The source does not exist (any more).', 'Check URL or file id, and whether the account may open it.'],
	input_unreachable: ['The source did not answer, or broke off.', 'Tried again by itself. If it stays: try the URL from the machine of the sidecar.'],
	content_unsafe: ['A safety scan found something that its thresholds do not allow, in this asset, in one with the same bytes, or in one that the parameters name. It is not published, nor used in other media.', 'Look at the moments that the error names. If they are fine, run safety_scan again with higher thresholds: when it lets them pass, the asset is free.'],
	processing_failed: ['ffmpeg gave up on this file.', 'The message has its reason. The file is often damaged; the log of the sidecar has more.'],
	processing_timeout: ['The work took longer than it may.', 'Give it more time (`JOB_TIMEOUT_SECONDS`), a faster machine, or a smaller target.'],
	processing_stalled: ['ffmpeg made no progress for a long time and was stopped.', 'Tried again by itself. If it stays, look at disk and memory of the machine.'],
	worker_lost: ['The process that worked on the job ended.', 'Tried again by itself, at most three times. Repeated: the file may exhaust the memory.'],
	dependency_failed: ['A job that this one waited for did not complete.', 'Look at that job: `details.failed_job_id`.'],
	deadline_exceeded: ['The request\'s own deadline passed first.', 'Raise `deadline_seconds` (*Deadline* in the node), or add workers.'],
	cancelled: ['Somebody cancelled the job.', 'Retry it if that was a mistake.'],
	storage_failed: ['A file could not be written or read.', 'Tried again by itself. Check `DATA_DIR`: rights, mount, disk.'],
	storage_full: ['The disk is full.', 'Free space or enlarge the disk, then retry the failed jobs.'],
	storage_archived: ['The file is in the archive of the store.', 'Have it restored there first (hours), or use one of the results that are at hand.'],
	quota_exceeded: ['The workspace has used up what it may have: bytes, assets or jobs.', 'Delete what is not needed any more, or have the quota raised (docs/security.md).'],
	rate_limited: ['Too many requests with this key.', 'Wait for the seconds that `Retry-After` names; send many items in one batch instead of many requests.'],
	provider_not_configured: ['The operation needs an AI service and none is set.', 'Set `OPENAI_API_KEY`, for another server also `OPENAI_BASE_URL`, and start the sidecar again.'],
	provider_key_refused: ['The AI service does not accept the key.', 'The message names the variable. Put a valid key there, start the sidecar again, then retry the failed jobs.'],
	provider_content_refused: ['The AI service does not want to deal with this content.', 'The message has its words. Change the material or the brief, or choose a local engine for the task (docs/ai.md).'],
	provider_answer_invalid: ['The AI service answered something else than was asked for.', 'Check that the address is that of such a service, or choose another model.'],
	provider_rejected: ['The AI service refused the request.', 'The message has its words: model, quota, size.'],
	provider_rate_limited: ['The AI service asks to slow down.', 'Tried again by itself, after the pause it names, else after one to two minutes in all.'],
	provider_unavailable: ['The AI service does not answer.', 'Tried again by itself. If it stays, check `OPENAI_BASE_URL` and the service\'s status page.'],
	post_invalid: ['The post breaks a rule of the platform; nothing was uploaded.', 'The message names the rule: length, format, size, number of files.'],
	post_rejected: ['The platform refused the post.', 'The message has its words. Change the post, or the account\'s settings there.'],
	post_unknown: ['The platform was asked to publish, and it could not be found out whether it did.', '**Look at the account before you post again.** It is never repeated blindly.'],
	needs_reauth: ['The token of the account is missing, expired or lacks a permission.', 'Connect the account again in n8n, then run the node again.'],
	platform_rate_limited: ['The platform asks to slow down.', 'Tried again by itself, after the pause it names.'],
	platform_unavailable: ['The platform does not answer.', 'Tried again by itself. If it stays, see its status page.'],
	n8n_unreachable: ['n8n\'s process workflow could not be triggered.', 'Check `N8N_WEBHOOK_URL` and that the workflow is published, then retry the failed jobs.'],
	internal: ['Something that nobody foresaw.', 'Tried again by itself. The log of the sidecar has the details; please report it.'],
};

/** docs/errors.md */
export function errorsPage(): string {
	const rows = Object.entries(ERROR_KINDS).map(([name, { status, retryable }]) => {
		const [meaning, action] = ADVICE[name as ErrorCode];
		return [code(name), String(status), retryable ? 'yes' : 'no', meaning, action];
	});
	return `${GENERATED}
# Errors

Every error has a \`code\` of this list, a \`message\` for the person who must act and sometimes \`details\` for programs. It
is the same in HTTP answers (\`{"error": {…}}\`), in jobs, in callbacks and on the *Failed* output of the nodes.

*HTTP* is the status when the error answers a request. *Tried again* says whether a **job** that meets it is tried again by
itself: at most three times in all, after 1 to 2 and 2 to 4 seconds, or the pause that the other side names (a day at most); where it asks to slow down and names
none, after 20 to 40 and 40 to 80 seconds. A job that has failed for good is listed by \`GET /api/media/jobs?status=failed\` and can be started again with
\`POST /api/media/jobs/{id}/retry\`.

${table(['Code', 'HTTP', 'Tried again', 'Means', 'What to do'], rows)}

The nodes add two codes of their own: \`sidecar_request_failed\` (with *On Error = Continue*: the sidecar could not be reached
or refused the whole request) and \`deadline_exceeded\` when nobody called back in time.
`;
}
