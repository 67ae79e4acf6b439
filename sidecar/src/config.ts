import { isIP } from 'node:net';
import { z } from 'zod';
import { isClamdAddress } from './scan/address.ts';

/**
 * Every environment variable, once: name, meaning, default. `.env.example` and docs/configuration.md are made
 * from this (`npm run docs`). All problems are reported together, so that a first start needs one round, not ten.
 */
const list = z
	.string()
	.default('')
	.transform((text) => text.split(',').map((entry) => entry.trim()).filter(Boolean));
const seconds = (fallback: number, most = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().positive().max(most).default(fallback);
/** Node's timers count milliseconds in 31 bits; a longer one fires at once. */
const LONGEST_TIMER_SECONDS = Math.floor((2 ** 31 - 1) / 1000);
const flag = z
	.enum(['true', 'false', '1', '0', ''])
	.default('false')
	.transform((text) => text === 'true' || text === '1');
const flagOn = z
	.enum(['true', 'false', '1', '0', ''])
	.default('true')
	.transform((text) => text !== 'false' && text !== '0');
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });

const clamdAddress = z.string().refine((text) => isClamdAddress(text), 'must be the path of a Unix socket (/var/run/clamav/clamd.ctl) or host:port (clamav:3310)');

/** As express wants it: false, a number of hops, or addresses and ranges. */
const trustedProxies = z
	.string()
	.default('')
	.transform((text, context): false | number | string[] => {
		const entries = text.split(',').map((entry) => entry.trim()).filter(Boolean);
		if (entries.length === 0) return false;
		if (entries.length === 1 && /^\d{1,2}$/.test(entries[0] ?? '')) return Number(entries[0]) || false;
		const wrong = entries.filter((entry) => !['loopback', 'linklocal', 'uniquelocal'].includes(entry) && !isIP(entry) && !isRange(entry));
		if (wrong.length > 0) context.addIssue(`must be a number of proxies, or addresses and ranges such as loopback,10.0.0.0/8 (not understood: ${wrong.join(', ')})`);
		return entries;
	});
const isRange = (text: string): boolean => {
	const [address = '', bits = '', more] = text.split('/');
	return more === undefined && /^\d{1,3}$/.test(bits) && isIP(address) > 0 && Number(bits) <= (isIP(address) === 4 ? 32 : 128);
};

const replicateModel = (fallback: string) =>
	z.string().regex(/^[\w.-]+\/[\w.-]+(:[0-9a-f]{8,64})?$/, 'must be owner/name or owner/name:version').default(fallback);

export const configSchema = z.object({
	PORT: z.coerce.number().int().min(0).max(65535).default(8080).describe('Port of the HTTP server. 0 takes a free one.'),
	HOST: z.string().default('0.0.0.0').describe('Address the HTTP server listens on.'),
	DATA_DIR: z.string().min(1).default('./data').describe('Folder of the embedded database, the files, and the generated keys.'),
	PUBLIC_URL: httpUrl.optional().describe('How others reach this sidecar; base of every file link. Default http://127.0.0.1:PORT.'),
	API_KEY: z.string().min(16, 'must have at least 16 characters').optional().describe('Bootstrap API key of the workspace "default". Generated and printed once when absent.'),
	CALLBACK_SECRET: z.string().min(16, 'must have at least 16 characters').optional().describe('Signs callbacks (Standard Webhooks). `whsec_…` or any text. Generated and printed once when absent.'),
	ENCRYPTION_KEY: z.string().min(16, 'must have at least 16 characters').optional().describe('Encrypts tokens and resume URLs at rest. Generated into DATA_DIR/keys.json when absent.'),
	ENCRYPTION_KEY_PREVIOUS: list.refine((keys) => keys.every((key) => key.length >= 16), 'each must have at least 16 characters').describe('Comma-separated keys that open what was sealed, and verify what was signed, before ENCRYPTION_KEY was changed. The sidecar seals all of it anew at its start (docs/security.md).'),
	DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://').optional().describe('Postgres to use. Absent: PGlite, embedded in this process.'),
	DATABASE_SCHEMA: z.string().regex(/^[a-z_][a-z0-9_]{0,40}$/, 'must be a lower-case SQL name').default('public').describe('Postgres schema of the tables.'),
	N8N_WEBHOOK_URL: httpUrl.optional().describe('n8n webhook of the process workflow. Absent: the sidecar starts the jobs itself.'),
	N8N_DISTRIBUTE_WEBHOOK_URL: httpUrl.optional().describe('n8n webhook of the distribute workflow, called when an asset is processed.'),
	N8N_WEBHOOK_SECRET: z.string().min(16, 'must have at least 16 characters').optional().describe('Proves to the two n8n webhooks that the sidecar calls: sent as the header X-Media-Pipeline-Secret, and signs the body. Generated and printed once when absent.'),
	ALLOWED_PRIVATE_HOSTS: list.describe('Comma-separated hosts, host:port, addresses or CIDR ranges that may be reached although they are private, e.g. `n8n:5678,10.0.0.0/8`. The hosts of the two n8n webhooks are always allowed for callbacks.'),
	ALLOW_HTTP: flag.describe('Allow plain http:// to public hosts. Off: https only (requirement O6).'),
	CONCURRENCY: z.coerce.number().int().min(1).max(256).optional().describe('Jobs worked at once by this process. Default: number of CPU cores.'),
	ROLE: z.enum(['all', 'api', 'worker']).default('all').describe('What this process does. `api` and `worker` apart need DATABASE_URL.'),
	STORAGE: z.enum(['disk', 's3', 'supabase', 'gcs']).default('disk').describe('Where files are kept (docs/storage.md): a folder of DATA_DIR, any S3-compatible store, Supabase Storage, Google Cloud Storage. Several may be configured; a workspace may be moved to another one (npm run storage:move).'),
	PUBLIC_STORAGE: z.enum(['disk', 's3', 'supabase', 'gcs', 'cloudinary']).optional().describe('Where public files of all workspaces are kept. Absent: where their workspace has the others.'),
	S3_BUCKET: z.string().min(1).optional().describe('Bucket of the S3-compatible store. Set: the storage `s3` can be used.'),
	S3_ENDPOINT: httpUrl.optional().describe('Address of the S3-compatible store, e.g. `https://ACCOUNT.r2.cloudflarestorage.com`, `http://minio:9000`. Absent: AWS.'),
	S3_PUBLIC_ENDPOINT: httpUrl.optional().describe('Address at which browsers and n8n reach the same store, for direct links. Absent: S3_ENDPOINT.'),
	S3_REGION: z.string().min(1).default('us-east-1').describe('Region of the bucket. R2: `auto`.'),
	S3_ACCESS_KEY_ID: z.string().min(1).optional().describe('Key of the store. Absent, with S3_SECRET_ACCESS_KEY: as the AWS SDK finds it (role of the machine, `AWS_…`).'),
	S3_SECRET_ACCESS_KEY: z.string().min(1).optional().describe('Secret of that key.'),
	S3_FORCE_PATH_STYLE: flag.describe('Address the bucket as `endpoint/bucket`, not as `bucket.endpoint`. MinIO and Supabase need it.'),
	S3_PREFIX: z.string().regex(/^[\w./-]*$/, 'may have letters, digits and . _ / -').default('').describe('Folder in the bucket, e.g. `media-pipeline/`. Default: none.'),
	S3_ARCHIVE_CLASS: z.string().regex(/^[A-Z_]+$/, 'must be a storage class such as GLACIER_IR').optional().describe('Storage class that archived originals are moved to, e.g. `GLACIER_IR`, `GLACIER`, `DEEP_ARCHIVE`. Absent: this store has no archive.'),
	S3_DIRECT: flagOn.describe('Give out links of the store itself, so that uploads and downloads do not pass through the sidecar. Off: the store cannot be reached by others.'),
	GCS_BUCKET: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,221}$/, 'must be the name of a bucket, without gs://').optional().describe('Bucket of Google Cloud Storage. Set: the storage `gcs` can be used.'),
	GCS_CREDENTIALS: z.string().min(1).optional().describe('JSON key of a service account that may read and write objects of that bucket: its text, or the path of its file. Absent: GOOGLE_APPLICATION_CREDENTIALS.'),
	GOOGLE_APPLICATION_CREDENTIALS: z.string().min(1).optional().describe('Path of the JSON key of a service account, as other tools of Google find it.'),
	GCS_PREFIX: z.string().regex(/^[\w./-]*$/, 'may have letters, digits and . _ / -').default('').describe('Folder in the bucket, e.g. `media-pipeline/`. Default: none.'),
	GCS_API_BASE_URL: httpUrl.default('https://storage.googleapis.com').describe('Base URL of Google Cloud Storage.'),
	SUPABASE_URL: httpUrl.optional().describe('Address of the Supabase project, e.g. `https://abcdefgh.supabase.co`. Set: the storage `supabase` can be used.'),
	SUPABASE_SERVICE_KEY: z.string().min(20, 'must be a secret key or the service_role key').optional().describe('Secret key of the project (`sb_secret_…`), or its legacy service_role key.'),
	SUPABASE_BUCKET: z.string().regex(/^[\w-][\w.-]{0,99}$/, 'must be the name of a bucket').default('media').describe('Private bucket of Supabase Storage.'),
	CLOUDINARY_URL: z.string().min(1).optional().describe('`cloudinary://API_KEY:API_SECRET@CLOUD_NAME`, as the Cloudinary console shows it. Set: PUBLIC_STORAGE may be `cloudinary`.'),
	CLOUDINARY_FOLDER: z.string().regex(/^[\w./-]*$/, 'may have letters, digits and . _ / -').default('').describe('Folder in front of the names at Cloudinary. Default: none.'),
	CLOUDINARY_EAGER: z.string().regex(/^[\w,:.|/-]+$/, 'must be transformations such as c_fill,w_320,h_180|w_640').optional().describe('Transformations of public thumbnails and previews that Cloudinary makes at upload, separated by `|`. Absent: none.'),
	CLOUDINARY_API_BASE_URL: httpUrl.default('https://api.cloudinary.com').describe('Base URL of the APIs of Cloudinary. Accounts in the EU: `https://api-eu.cloudinary.com`.'),
	CLOUDINARY_DELIVERY_BASE_URL: httpUrl.default('https://res.cloudinary.com').describe('Base URL of the files at Cloudinary.'),
	MAX_FILE_BYTES: z.coerce.number().int().positive().default(500 * 1024 * 1024).describe('Largest source file, bytes. Default 500 MB (requirement I2).'),
	MAX_UPLOAD_BYTES: z.coerce.number().int().positive().default(10 * 1024 ** 3).describe('Largest file that may be uploaded in pieces (tus, or in parts to the store), bytes. Default 10 GB (requirement I3).'),
	FILE_URL_TTL_SECONDS: seconds(86_400).describe('How long signed file links stay valid.'),
	DELIVERY: z
		.enum(['proxy', 'redirect', 'x-accel'])
		.default('proxy')
		.describe('How files reach those who have a link. proxy: through the sidecar. redirect: straight from the store, where it gives links itself (S3, Google Cloud Storage …). x-accel: by the nginx before the sidecar, for files on its disk (docs/delivery.md).'),
	X_ACCEL_PREFIX: z.string().regex(/^\/([\w.-]+\/)+$/, 'must be a path with slashes around it, such as /stored/').default('/stored/').describe('With DELIVERY=x-accel: the internal location of nginx whose alias is the folder of the files, DATA_DIR/files.'),
	API_REQUESTS_PER_MINUTE: z.coerce.number().int().positive().default(1200).describe('Requests with one API key in a minute; further ones are answered 429 with Retry-After. A workspace may have its own (`quotas.requests_per_minute`). Links to files are not counted.'),
	AUTH_FAILURES_PER_MINUTE: z.coerce.number().int().positive().default(30).describe('Wrong API keys from one address in a minute; then the address is answered 429 until the minute is over.'),
	TRUST_PROXY: trustedProxies.describe('Whose X-Forwarded-For tells the address of the caller (rate limits, audit log): a number of proxies before the sidecar, or their addresses or ranges, comma-separated; `loopback` is this machine. Default none: the header is ignored.'),
	API_CORS_ORIGINS: list.describe('Comma-separated origins whose scripts may call /api/media from a browser. Default none: a page cannot keep an API key to itself.'),
	CORS_ORIGINS: list.transform((origins) => (origins.length > 0 ? origins : ['*'])).describe('Comma-separated origins whose scripts may read files, e.g. `https://app.example.com`. Default `*`: the link is the permission.'),
	CLAMD: clamdAddress.optional().describe('Virus scanner: ClamAV’s daemon, as path of its Unix socket (`/var/run/clamav/clamd.ctl`) or `host:port` (`clamav:3310`). When set, nothing is accepted that it has not looked at, also while it does not answer. Absent: no scan.'),
	CLAMD_MAX_BYTES: z.coerce.number().int().positive().default(100 * 1024 * 1024).describe('Largest file that clamd looks into as a whole: the least of StreamMaxLength, MaxFileSize and MaxScanSize in its clamd.conf. Larger files are refused, because clamd would call them clean without looking. Default 100 MB, as clamd.'),
	CLAMD_OPTIONAL: flag.describe('Workspaces may switch the virus scan off for themselves (`checks.scan: false` in their settings). Off: CLAMD holds for all.'),
	PLAYER_NAME: z.string().max(100).default('').describe('Name at the foot of public player pages, and as provider of embeds. Default: none.'),
	PLAYER_COLOR: z.string().regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #2563eb').default('#2563eb').describe('Colour of the controls of public player pages.'),
	EMBED_ORIGINS: list.transform((origins) => (origins.length > 0 ? origins : ['*'])).refine((origins) => origins.every((origin) => /^(\*|https?:\/\/[\w.*:-]+)$/.test(origin)), 'must be origins such as https://example.com').describe('Comma-separated origins whose pages may show the embedded player. Default `*`: all.'),
	UPLOAD_URL_TTL_SECONDS: seconds(3_600).describe('How long signed upload links stay valid (requirement I2: 15 min to 1 h).'),
	RENDITION_WAIT_SECONDS: seconds(25, 600).describe('How long the first request of a rendition waits while it is made; then it is answered 202 with Retry-After. Proxies often allow 30 to 60 s.'),
	JOB_TIMEOUT_SECONDS: seconds(6 * 3_600, LONGEST_TIMER_SECONDS).describe('Longest time one try of a job may take, whatever it does.'),
	FFMPEG_THREADS: z.coerce.number().int().min(1).max(64).optional().describe('Threads of each decoder and encoder. Default: ffmpeg decides by the number of cores.'),
	HARDWARE_ENCODER: z
		.enum(['off', 'auto', 'nvenc', 'qsv', 'vaapi', 'videotoolbox'])
		.default('off')
		.describe('Encode H.264 and H.265 on a graphics chip: faster, in larger files of the same quality. `auto` takes what works, and the processor where nothing does. One that is named must work, or the sidecar does not start.'),
	CHUNK_SECONDS_MIN: z.coerce
		.number()
		.int()
		.min(0)
		.default(600)
		.describe('Encodes of more estimated CPU seconds are cut into chunks that several free workers encode at the same time. 0: never. Default 600.'),
	MERGE_JOBS: flagOn.describe('Run jobs that wait for the same source in one ffmpeg process, which decodes it once. Off: a process per job.'),
	REUSE_RESULTS: flagOn.describe('Return an earlier result for the same bytes, operation and parameters instead of making it again. A request can switch it off with `reuse: false`.'),
	OPENAI_API_KEY: z.string().optional().describe('Key for transcribe and caption. Servers without keys accept any text.'),
	OPENAI_BASE_URL: httpUrl.optional().describe('An OpenAI-compatible server. Default https://api.openai.com/v1.'),
	OPENAI_TRANSCRIBE_MODEL: z.string().default('whisper-1').describe('Model for transcribe.'),
	OPENAI_CAPTION_MODEL: z.string().default('gpt-4o-mini').describe('Vision model for caption.'),
	ENGINES_DIR: z.string().min(1).optional().describe('Folder of the optional local AI engines, as `npm run engines` names it. Absent: none.'),
	AI_ROUTING_FILE: z.string().min(1).optional().describe('YAML or JSON file that says which provider and model serves which task, in which order, and at what price (docs/ai.md). Absent: local engines where they are good enough, then the providers whose key is set.'),
	MODELS_DIR: z.string().min(1).optional().describe('Folder of models that you bring: a whisper.cpp model (`ggml-*.bin`) there is used for transcribe. Default: DATA_DIR/models.'),
	ALLOW_FACES: flag.describe('Allow analyze to look for faces (boxes only, nobody is recognised). Off by default: faces are personal data.'),
	ELEVENLABS_API_KEY: z.string().optional().describe('Key of elevenlabs.io, for voices, dubbing and speech to text.'),
	ELEVENLABS_BASE_URL: httpUrl.optional().describe('Base URL of the ElevenLabs API. Default https://api.elevenlabs.io.'),
	REPLICATE_API_TOKEN: z.string().optional().describe('Key of replicate.com, for remove_background, upscale and style_transfer.'),
	REPLICATE_BASE_URL: httpUrl.optional().describe('Base URL of the Replicate API. Default https://api.replicate.com/v1.'),
	REPLICATE_BACKGROUND_MODEL: replicateModel('851-labs/background-remover').describe('Model for remove_background: `owner/name` or `owner/name:version`.'),
	REPLICATE_UPSCALE_MODEL: replicateModel('nightmareai/real-esrgan').describe('Model for upscale.'),
	REPLICATE_STYLE_MODEL: replicateModel('black-forest-labs/flux-kontext-dev').describe('Model for style_transfer; must take a picture and a prompt.'),
	LINKEDIN_API_BASE_URL: httpUrl.default('https://api.linkedin.com').describe('Base URL of the LinkedIn API.'),
	LINKEDIN_WEB_BASE_URL: httpUrl.default('https://www.linkedin.com').describe('Base of the links to posts on LinkedIn.'),
	LINKEDIN_VERSION: z
		.string()
		.regex(/^20\d\d(0[1-9]|1[0-2])$/, 'must be a year and a month, such as 202609')
		.default('202609')
		.describe('Version of the LinkedIn API: a month, YYYYMM. LinkedIn serves each for about a year and then answers 426: take a newer one then.'),
	PINTEREST_API_BASE_URL: httpUrl.default('https://api.pinterest.com/v5').describe('Base URL of the Pinterest API, with its version. `https://api-sandbox.pinterest.com/v5` is the sandbox for apps with trial access.'),
	PINTEREST_WEB_BASE_URL: httpUrl.default('https://www.pinterest.com').describe('Base of the links to pins.'),
	TIKTOK_API_BASE_URL: httpUrl.default('https://open.tiktokapis.com').describe('Base URL of the TikTok API.'),
	TIKTOK_WEB_BASE_URL: httpUrl.default('https://www.tiktok.com').describe('Base of the links to posts on TikTok.'),
	META_GRAPH_BASE_URL: httpUrl.default('https://graph.facebook.com').describe("Base URL of Meta's Graph API: Facebook Pages, and Instagram connected through Facebook."),
	META_GRAPH_VIDEO_BASE_URL: httpUrl.default('https://graph-video.facebook.com').describe('Where the Graph API takes the bytes of videos for the feed of Pages.'),
	META_UPLOAD_BASE_URL: httpUrl.default('https://rupload.facebook.com').describe('Where the Graph API takes the bytes of reels and stories. Upload addresses elsewhere are refused.'),
	META_GRAPH_VERSION: z.string().regex(/^v\d+\.\d+$/, 'must be a version such as v25.0').default('v25.0').describe('Version of the Graph API. Meta ends each after about two years.'),
	FACEBOOK_WEB_BASE_URL: httpUrl.default('https://www.facebook.com').describe('Base of the links to posts on Facebook.'),
	BLUESKY_VIDEO_BASE_URL: httpUrl.default('https://video.bsky.app').describe('Base URL of the service that takes videos for Bluesky.'),
	BLUESKY_WEB_BASE_URL: httpUrl.default('https://bsky.app').describe('Base of the links to posts on Bluesky.'),
	INSTAGRAM_API_BASE_URL: httpUrl.default('https://graph.instagram.com').describe('Base URL of the Instagram API for accounts connected with Instagram Login; the others use META_GRAPH_BASE_URL.'),
	THREADS_API_BASE_URL: httpUrl.default('https://graph.threads.net').describe('Base URL of the Threads API.'),
	X_API_BASE_URL: httpUrl.default('https://api.x.com').describe('Base URL of the X API.'),
	X_WEB_BASE_URL: httpUrl.default('https://x.com').describe('Base of the links to posts on X.'),
	YOUTUBE_API_BASE_URL: httpUrl.default('https://www.googleapis.com/youtube/v3').describe('Base URL of the YouTube Data API.'),
	YOUTUBE_UPLOAD_BASE_URL: httpUrl.default('https://www.googleapis.com/upload/youtube/v3').describe('Base URL of uploads to YouTube.'),
	YOUTUBE_WEB_BASE_URL: httpUrl.default('https://www.youtube.com').describe('Base of the links to videos on YouTube.'),
	GOOGLE_API_BASE_URL: httpUrl.default('https://www.googleapis.com').describe('Base URL of the Google Drive API.'),
	DROPBOX_API_BASE_URL: httpUrl.default('https://api.dropboxapi.com').describe('Base URL of the Dropbox API.'),
	DROPBOX_CONTENT_BASE_URL: httpUrl.default('https://content.dropboxapi.com').describe('Where the Dropbox API sends the bytes of files.'),
	DISCORD_API_BASE_URL: httpUrl.default('https://discord.com/api/v10').describe('Base URL of the Discord API, with its version: it renews links to attachments.'),
	WATCH_DIR: z.string().min(1).optional().describe('Folder whose files are ingested by themselves, each once, as soon as they have stopped growing. Its files can also be named as the source `folder`. Absent: none.'),
	WATCH_WORKSPACE: z.string().min(1).default('default').describe('The workspace that WATCH_DIR belongs to.'),
	WATCH_PIPELINE: z.string().min(1).max(100).optional().describe('The pipeline that is run on files from WATCH_DIR. Absent: the pipeline of the workspace.'),
	WATCH_MOVE: flag.describe('Move files of WATCH_DIR to its folder done/ when they are processed, or to failed/, with a note why. Off: they stay, and are remembered.'),
	WATCH_SETTLE_SECONDS: seconds(10).describe('A file of WATCH_DIR is complete when it has not changed for so long. Copying over a slow network needs more.'),
	AUDIT_DAYS: z.coerce.number().int().min(7).max(36_500).default(365).describe('How long the audit log is kept, in days.'),
	CLEAN_UP_HOURS: z.coerce.number().min(0).max(500).default(24).describe('How often what nobody needs any more is deleted, by the retention settings of each workspace (docs/storage.md). 0: never. POST /api/media/retention says what would go.'),
	LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least level that is logged.'),
});

export type Config = z.infer<typeof configSchema>;

export class ConfigError extends Error {
	readonly problems: string[];
	constructor(problems: string[]) {
		super(`The sidecar cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
		this.name = 'ConfigError';
		this.problems = problems;
	}
}

/** Reads the configuration. Throws ConfigError with every problem at once, each naming its variable. */
export function readConfig(environment: Record<string, string | undefined>): Config {
	// An empty variable (`FOO=` in an env file) means "not set".
	const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
	const parsed = configSchema.safeParse(given);
	const problems = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
	if (parsed.success && parsed.data.ROLE !== 'all' && !parsed.data.DATABASE_URL) {
		problems.push(
			`ROLE=${parsed.data.ROLE} needs DATABASE_URL: the embedded database belongs to one process only. Use ROLE=all, or set DATABASE_URL to a Postgres.`,
		);
	}
	if (parsed.success && parsed.data.ROLE !== 'all' && !parsed.data.PUBLIC_URL) {
		problems.push(
			`PUBLIC_URL: must be set with ROLE=${parsed.data.ROLE}: it is the address of the API, which serves the files that workers make links to. E.g. https://media.example.com.`,
		);
	}
	if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
	return parsed.data;
}
