import { runTool, Tail, toolEnvironment } from '../../../sidecar/src/media/process.ts';

describe('runTool', () => {
	it('gives back exit code, output and the end of the errors', async () => {
		const result = await runTool('sh', ['-c', 'echo out; echo err >&2; exit 3'], { timeoutMs: 10_000 });
		expect(result).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n', stopped: null });
	});

	it('ends a tool, and what it started, that takes too long', async () => {
		const result = await runTool('sh', ['-c', 'sleep 60 & wait'], { timeoutMs: 100 });
		expect(result).toMatchObject({ code: null, stopped: 'timeout' });
	});

	it('ends a tool that floods its output', async () => {
		expect(await runTool('yes', [], { timeoutMs: 10_000, maxOutputBytes: 10_000 })).toMatchObject({
			stopped: 'too_much_output',
		});
	});

	it('throws the reason of an abort while the tool runs', async () => {
		const controller = new AbortController();
		const running = runTool('sleep', ['60'], { timeoutMs: 10_000, signal: controller.signal });
		controller.abort(new Error('enough'));
		await expect(running).rejects.toThrow('enough');
	});

	it('throws when there is no such tool', async () => {
		await expect(runTool('no-such-tool', [], { timeoutMs: 1000 })).rejects.toMatchObject({ code: 'ENOENT' });
	});
});

describe('toolEnvironment', () => {
	it('passes nothing on but what a tool needs to run', () => {
		expect(
			toolEnvironment({ PATH: '/bin', HOME: '/root', API_KEY: 'secret', FFREPORT: 'file=/x', ENCRYPTION_KEY: 'x' }),
		).toEqual({ PATH: '/bin', HOME: '/root' });
	});
});

describe('Tail', () => {
	it('keeps the end', () => {
		const tail = new Tail(5);
		tail.add('abc');
		tail.add(Buffer.from('defg'));
		expect(tail.toString()).toBe('cdefg');
	});
});
