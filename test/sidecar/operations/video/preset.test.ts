import fc from 'fast-check';
import { limitProblems } from '../../../../sidecar/src/media/platform-check.ts';
import { VIDEO_PLATFORM_NAMES, VIDEO_PLATFORMS, type VideoPlatform, type VideoPlatformName } from '../../../../sidecar/src/media/platform-limits.ts';
import { preset } from '../../../../sidecar/src/operations/video/preset.ts';
import { audioFacts, imageFacts, picture, sound, videoFacts } from '../../../support/facts.ts';

const planOf = (platform: VideoPlatformName, facts = videoFacts(), params: Record<string, unknown> = {}) => preset.plan(facts, preset.params.parse({ platform, ...params }));
const optionsOf = (...args: Parameters<typeof planOf>): string => planOf(...args).outputs[0]?.options.join(' ') ?? '';
const sized = (width: number, height: number, changes: Parameters<typeof picture>[0] = {}) => videoFacts({ video: picture({ width, height, ...changes }) });
const lasting = (durationSeconds: number, changes: Parameters<typeof picture>[0] = {}, megabits = 2) =>
	videoFacts({ durationSeconds, bytes: (durationSeconds * megabits * 1e6) / 8, video: picture({ width: 1280, height: 720, bitrate: megabits * 1e6, durationSeconds, ...changes }) });
const maxrate = (options: string): number => Number(/-maxrate (\d+)k/.exec(options)?.[1]);

describe('preset', () => {
	it('copies what complies, and says so', () => {
		const plan = planOf('linkedin');
		expect(plan.outputs).toMatchObject([{ name: 'linkedin.mp4', videoFilters: [], options: ['-c:v', 'copy', '-c:a', 'copy', '-movflags', '+faststart'] }]);
		expect(plan.reason).toBe('The picture complies with what LinkedIn takes: it is copied.');
		expect(optionsOf('youtube', sized(3840, 2160, { codec: 'hevc' }))).toContain('-c:v copy -tag:v hvc1');
	});

	it.each<[VideoPlatformName, ReturnType<typeof videoFacts>, RegExp]>([
		['x', videoFacts(), /Encoded for X: 1920×1080 is too large: the longer side may have 1280/],
		['linkedin', sized(1920, 1080, { frameRate: 60 }), /60\.0 frames per second; at most 30/],
		['bluesky', sized(1280, 720, { codec: 'hevc' }), /video codec hevc is not taken/],
		['facebook', sized(1280, 720, { codec: 'hevc', pixelFormat: 'yuv420p10le', bitDepth: 10, hdr: 'hlg' }), /pixel format yuv420p10le/],
		['mastodon', sized(3840, 2162), /more than 8294400 pixels/],
		['instagram_feed', sized(1080, 1080, { profile: 'High' }), /edit list/],
		['threads', videoFacts({ video: picture({ interlaced: true }) }), /interlaced/],
		['facebook', sized(1280, 720, { storedWidth: 960, pixelAspect: 4 / 3 }), /pixels are not square/],
		['threads', videoFacts({ bitrate: 120e6, video: picture({ bitrate: null }) }), /120\.0 Mbit\/s; at most 100/],
		['facebook_reel', sized(1080, 1942), /1080×1942 is not the shape that is shown/],
		['facebook', { ...videoFacts(), container: 'avi' }, /no time stamps/],
		['mastodon', { ...videoFacts(), bytes: 200e6 }, /it has 200 MB; at most 103 MB are taken/],
		['youtube_shorts', videoFacts(), /1920×1080 is too wide.* blurred copy/],
		['tiktok', sized(1080, 1080), /1080×1080 is not the shape that is shown/],
	])('encodes for %s what does not comply, and says why', (platform, facts, reason) => {
		const plan = planOf(platform, facts);
		expect(plan.outputs[0]?.options).toContain('libx264');
		expect(plan.reason).toMatch(reason);
	});

	it('copies the picture where only the sound must change', () => {
		const plan = planOf('facebook', videoFacts({ audio: sound({ codec: 'ac3', channels: 6 }) }));
		expect(plan.outputs[0]?.options.join(' ')).toMatch(/^-c:v copy -c:a aac -b:a 128k -ar 48000 -ac 2/);
		expect(plan.reason).toMatch(/it is copied\. The sound is encoded\./);
	});

	it.each<[VideoPlatformName, number, number, string, number, number]>([
		['x', 1920, 1080, 'keep', 1280, 720],
		['x', 1080, 1920, 'keep', 720, 1280],
		['x', 4000, 1000, 'blur', 1280, 432],
		['tiktok', 1920, 1080, 'blur', 1080, 1920],
		['tiktok', 1080, 2160, 'crop', 1080, 1920],
		['instagram_reel', 1080, 1080, 'blur', 1080, 1920],
		['instagram_feed', 1080, 1920, 'blur', 1080, 1350],
		['instagram_feed', 1920, 960, 'crop', 1834, 960],
		['youtube_shorts', 720, 720, 'keep', 720, 720],
		['facebook_reel', 320, 568, 'keep', 540, 960],
		['facebook_reel', 320, 180, 'blur', 540, 960],
		['pinterest', 720, 1600, 'crop', 720, 1440],
		['threads', 2560, 1080, 'keep', 1920, 810],
		['mastodon', 3840, 2160, 'keep', 1920, 1080],
	])('for %s makes of %i x %i: %s, %i x %i', (platform, width, height, fit, madeWidth, madeHeight) => {
		expect(planOf(platform, sized(width, height, { codec: 'vp9' })).facts).toMatchObject({ fit, width: madeWidth, height: madeHeight });
	});

	it('does as it is told about shapes', () => {
		const filters = (fit: string): string => planOf('tiktok', videoFacts(), { fit }).outputs[0]?.videoFilters?.join(',') ?? '';
		expect(filters('crop')).toMatch(/crop=608:1080|crop=1080:1920/);
		expect(filters('pad')).toContain('pad=1080:1920');
		expect(filters('blur')).toContain('gblur');
		expect(planOf('x', videoFacts(), { fit: 'crop' }).facts).toMatchObject({ fit: 'keep' });
	});

	it('keeps frame rates without judder', () => {
		const rate = (platform: VideoPlatformName, frameRate: number): string | undefined =>
			planOf(platform, sized(1080, 1920, { frameRate })).outputs[0]?.videoFilters?.find((filter) => filter.startsWith('fps='));
		expect(rate('linkedin', 60)).toBe('fps=30/1');
		expect(rate('linkedin', 50)).toBe('fps=25/1');
		expect(rate('linkedin', 60000 / 1001)).toBe('fps=30000/1001');
		expect(rate('tiktok', 15)).toBe('fps=30/1');
		expect(rate('tiktok', 12)).toBe('fps=24/1');
		expect(rate('x', 120)).toBe('fps=60/1');
	});

	it('stays below the largest file, with fewer bits, and then with fewer pixels', () => {
		// Half an hour for Mastodon: 438 kbit/s in all, less 128 for the sound.
		const half = planOf('mastodon', lasting(1800));
		expect(maxrate(half.outputs[0]?.options.join(' ') ?? '')).toBe(310);
		expect(half.facts).toMatchObject({ width: 640, height: 360 });
		expect(half.reason).toMatch(/limited to 310 kbit\/s, so that it stays below 103 MB/);
		expect(planOf('mastodon', lasting(600, { codec: 'vp9' })).facts).toMatchObject({ width: 1280, height: 720 });
		for (const platform of VIDEO_PLATFORM_NAMES) {
			const { video: limits }: VideoPlatform = VIDEO_PLATFORMS[platform];
			for (const seconds of [5, 80, 170, 800, 3000]) {
				const plan = planOf(platform, lasting(seconds, { codec: 'vp9' }, 40));
				const kbps = maxrate(plan.outputs[0]?.options.join(' ') ?? '') + 128;
				expect((kbps * 1000 * Number(plan.facts?.['seconds'])) / 8).toBeLessThanOrEqual((limits.maxBytes ?? Infinity) * 0.96);
			}
		}
	});

	it('trims what is too long, without encoding where it need not', () => {
		const plan = planOf('x', lasting(200));
		expect(plan.outputs).toMatchObject([{ durationSeconds: 139.8, expectedSeconds: 139.8, videoFilters: [] }]);
		expect(plan.reason).toMatch(/copied\. Only the first 139\.8 s are kept, because at most 140 s are taken/);
	});

	it('splits what is too long into equal parts', () => {
		const plan = planOf('x', lasting(300), { too_long: 'split' });
		expect(plan.outputs.map(({ name, seekSeconds = 0, durationSeconds }) => [name, seekSeconds, durationSeconds])).toEqual([
			['x-01.mp4', 0, 100],
			['x-02.mp4', 100, 100],
			['x-03.mp4', 200, 100],
		]);
		expect(plan.reason).toMatch(/no key frames.*Split into 3 videos of 100\.0 s/);
	});

	it('cuts the sound of parts by encoding it, and parts to their length', () => {
		const { outputs } = planOf('x', lasting(300), { too_long: 'split' });
		for (const { options } of outputs) {
			expect(options.join(' ')).toContain('-c:a aac -b:a 128k');
			expect(options.join(' ')).toContain('-t 100.000');
		}
	});

	it('leaves a long video alone that is small enough', () => {
		expect(planOf('mastodon', lasting(6000, {}, 0.1)).facts).toMatchObject({ parts: 1, seconds: 6000, copied: { video: true } });
		// Encoded, it could not be watched.
		expect(planOf('mastodon', lasting(6000, { codec: 'vp9' }, 0.1)).reason).toMatch(/Only the first 3460\.1 s are kept/);
	});

	it.each<[string, () => unknown, string, RegExp]>([
		['too long, when told to', () => planOf('x', lasting(200), { too_long: 'fail' }), 'input_unsupported', /X takes at most 140 s, the video lasts 200\.0 s\. Set too_long/],
		['of too many parts', () => planOf('x', lasting(5000), { too_long: 'split' }), 'input_unsupported', /split into 36 videos, at most 10/],
		['too short', () => planOf('pinterest', lasting(2)), 'input_unsupported', /lasts 2\.00 s; Pinterest takes videos of 4 s or more/],
		['sound alone', () => planOf('tiktok', audioFacts()), 'input_no_video', /TikTok takes a video; this file has only sound/],
	])('refuses what is %s', (_what, plan, code, message) => {
		expect(plan).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
	});

	it('takes no pictures, and names its platforms', () => {
		expect(preset.accepts).toEqual(['video']);
		expect(imageFacts().fileType).toBe('image');
		expect(preset.params.safeParse({ platform: 'myspace' }).success).toBe(false);
	});

	it('makes of every picture what every platform takes', () => {
		const side = fc.integer({ min: 128, max: 4320 });
		fc.assert(
			fc.property(fc.constantFrom(...VIDEO_PLATFORM_NAMES), side, side, fc.integer({ min: 5, max: 120 }), (name, width, height, frameRate) => {
				const { video: limits, best }: VideoPlatform = VIDEO_PLATFORMS[name];
				const { outputs, facts = {} } = planOf(name, lasting(80, { width, height, frameRate, codec: 'vp9' }));
				const made = facts as { width: number; height: number; seconds: number };
				const fps = outputs[0]?.videoFilters?.find((filter) => filter.startsWith('fps='))?.slice(4);
				const [over = frameRate, under = 1] = (fps ?? `${frameRate}`).split('/').map(Number);
				const result = {
					...videoFacts({ mime: 'video/mp4', bytes: 1e6, durationSeconds: made.seconds }),
					video: picture({ width: made.width, height: made.height, frameRate: over / under, bitrate: best.kbps * 1000 }),
				};
				expect(limitProblems(result, limits)).toEqual([]);
				expect([made.width % 2, made.height % 2]).toEqual([0, 0]);
			}),
			{ numRuns: 500 },
		);
	});
});
