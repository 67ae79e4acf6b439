import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Options } from '../../sidecar/src/storage/s3.ts';

const SERVER = fileURLToPath(new URL('s3-server.py', import.meta.url));
/** Debian's own: python3-swift is installed for it, whatever else is first in the PATH. */
const PYTHON = '/usr/bin/python3';

export interface TestS3 {
	/** `http://127.0.0.1:…` */
	endpoint: string;
	credentials: { accessKeyId: string; secretAccessKey: string };
	/** For the SDK, where a test looks into the store behind the back of ours. */
	client: S3Client;
	/** A new, empty bucket, and the options to use it. */
	bucket(): Promise<S3Options & { endpoint: string }>;
	stop(): Promise<void>;
}

/** A real S3-compatible server (OpenStack Swift with its S3 API) in a folder of its own, on a free port of the loopback interface. */
export async function startS3(): Promise<TestS3> {
	const folder = await mkdtemp(join(tmpdir(), 's3-'));
	// It ends with its standard input: also when this process is killed.
	const child = spawn(PYTHON, [SERVER, folder], { stdio: ['pipe', 'pipe', 'pipe'] });
	const gone = once(child, 'exit');
	let trouble = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => (trouble += text));
	const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), gone.then(() => null)]);
	if (!line) throw new Error(`The S3 server did not start. It needs Debian's python3-swift (apt-get install python3-swift).\n${trouble}`);
	const endpoint = `http://127.0.0.1:${String(line[0])}`;
	const credentials = { accessKeyId: 'test:tester', secretAccessKey: 'test-secret-key' };
	const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' });
	let buckets = 0;
	return {
		endpoint,
		credentials,
		client,
		async bucket() {
			const bucket = `bucket-${++buckets}`;
			await client.send(new CreateBucketCommand({ Bucket: bucket }));
			return { bucket, endpoint, credentials, region: 'us-east-1', forcePathStyle: true };
		},
		async stop() {
			client.destroy();
			child.kill('SIGKILL');
			await gone;
			await rm(folder, { recursive: true, force: true });
		},
	};
}
