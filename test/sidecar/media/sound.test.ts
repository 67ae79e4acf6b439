import { withSound } from '../../../sidecar/src/media/sound.ts';
import { audioFacts, picture, sound, videoFacts } from '../../support/facts.ts';

const planOf = (facts = videoFacts(), filters: string[] = ['volume=1']) => withSound(facts, { name: 'made', filters });
const pictureIn = (container: string, changes: Parameters<typeof picture>[0]) => planOf(videoFacts({ container, video: picture(changes) }));

describe('plans that change the sound alone', () => {
	it.each([
		['mov,mp4,m4a,3gp,3g2,mj2', 'h264', 0, 'made.mp4', true],
		['mov,mp4,m4a,3gp,3g2,mj2', 'h264', 90, 'made.mp4', true],
		['matroska,webm', 'av1', 0, 'made.mp4', true],
		['matroska,webm', 'vp9', 0, 'made.webm', true],
		['matroska,webm', 'vp8', 0, 'made.webm', true],
		// A WebM cannot say how it is turned.
		['mov,mp4,m4a,3gp,3g2,mj2', 'vp9', 90, 'made.mp4', false],
		// Without time stamps of its own.
		['avi', 'h264', 0, 'made.mp4', false],
		['mpeg', 'mpeg2video', 0, 'made.mp4', false],
	])('of %s with %s turned by %d make %s, the picture copied: %s', (container, codec, rotation, name, copied) => {
		const { outputs, facts } = pictureIn(container, { codec, rotation });
		expect(outputs[0]?.name).toBe(name);
		expect(facts).toEqual({ copied: { video: copied, audio: false } });
		expect(outputs[0]?.options.join(' ').includes('-c:v copy')).toBe(copied);
	});

	it('mark H.265 as Apple wants it', () => {
		expect(pictureIn('matroska,webm', { codec: 'hevc' }).outputs[0]?.options.join(' ')).toContain('-c:v copy -tag:v hvc1');
	});

	it('copy the sound where nothing changes it, and the file can hold it', () => {
		expect(planOf(videoFacts(), []).facts).toEqual({ copied: { video: true, audio: true } });
		expect(planOf(videoFacts({ audio: sound({ codec: 'pcm_s16le' }) }), []).facts).toEqual({ copied: { video: true, audio: false } });
		expect(planOf(audioFacts({ codec: 'pcm_s16le' }), []).outputs[0]?.options).toEqual(['-c:a', 'copy', '-rf64', 'auto']);
	});
});
