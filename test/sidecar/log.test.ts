import { Writable } from 'node:stream';
import { DrizzleQueryError } from 'drizzle-orm';
import { PipelineError } from '../../sidecar/src/errors.ts';
import { createLogger, describeError } from '../../sidecar/src/log.ts';

describe('a logged error', () => {
	it.each([
		['the query of a URL', new Error('GET https://n8n.test/webhook-waiting/7?signature=hidden&x=1 failed'), 'https://n8n.test/webhook-waiting/7?…'],
		['the user and password of a URL', new Error('connect postgres://someone:hidden@db.test:5432/x failed'), 'postgres://…@db.test:5432/x'],
		['the permission in the path of a link', new Error(`GET /packages/1795000000.hidden_${'x'.repeat(36)}/jobs/default/1/master.m3u8 failed`), '/packages/1795000000.…/jobs/default/1/master.m3u8'],
		['a bearer token', new Error('refused: Authorization: Bearer hidden-hidden-hidden'), 'Bearer …'],
		['the values of a failed statement', new DrizzleQueryError('insert into posts (text) values ($1)', ['hidden'], new Error('no')), 'insert into posts (text) values ($1)'],
		['what hangs on the error beside its message', Object.assign(new Error('no'), { config: { headers: { authorization: 'hidden' } }, request: { path: '/?token=hidden' } }), 'no'],
		['the same in its causes', new PipelineError('input_unreachable', 'Not there.', { cause: new Error('x', { cause: new Error('https://a.test/b?token=hidden') }) }), 'https://a.test/b?…'],
		['a thrown text', 'https://a.test/b?token=hidden', 'https://a.test/b?…'],
	])('does not show %s', (_name, error, kept) => {
		const text = JSON.stringify(describeError(error));
		expect(text).not.toContain('hidden');
		expect(text).toContain(kept);
	});

	it('keeps name, code, message, stack and causes, and ends with causes that go in a circle', () => {
		const error: Error = new PipelineError('storage_failed', 'The disk.', { cause: Object.assign(new Error('write'), { code: 'ENOSPC' }) });
		expect(describeError(error)).toMatchObject({ name: 'PipelineError', code: 'storage_failed', message: 'The disk.', stack: expect.stringContaining('log.test'), cause: { code: 'ENOSPC' } });
		error.cause = new Error('round', { cause: error });
		expect(JSON.stringify(describeError(error)).length).toBeLessThan(50_000);
	});

	it('is described so by the logger itself, also when it is all that is logged', () => {
		const lines: string[] = [];
		const out = new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(chunk.toString()), done()) });
		const log = createLogger('info', out);
		const error = Object.assign(new DrizzleQueryError('select "x" from y', ['hidden'], new Error('"https://a.test/b?token=hidden"')), { headers: { authorization: 'hidden' } });
		log.error({ err: error }, 'with a text');
		log.error(error);
		log.child({ job_id: 'x' }).warn({ err: error });
		expect(lines).toHaveLength(3);
		log.info({ job_id: 'x' }, 'nothing to hide');
		expect(JSON.parse(lines.pop()!)).toMatchObject({ job_id: 'x', msg: 'nothing to hide' });
		for (const line of lines) {
			expect(JSON.parse(line)).toMatchObject({ err: { stack: expect.any(String) } });
			expect(line).not.toContain('hidden');
		}
	});
});
