import type { Routing } from './schema.ts';

/**
 * Who is asked when the routing file does not say: local engines where they are good enough, hosted ones where their key is
 * set. A provider without key, or an engine that is not installed, is passed over. Models come from providers.ts.
 */
export const DEFAULT_ROUTING: Routing = {
	// Whisper here is as good as Whisper there, and keeps the sound at home. Pocketsphinx writes drafts of clear English.
	transcribe: [{ provider: 'local', model: 'whisper' }, { provider: 'openai' }, { provider: 'elevenlabs' }, { provider: 'local', model: 'pocketsphinx' }],
	// Locally only a list of what was recognised, put into a sentence.
	describe: [{ provider: 'openai' }, { provider: 'replicate' }, { provider: 'local' }],
	write: [{ provider: 'openai' }],
	// Locally the gist only.
	translate: [{ provider: 'openai' }, { provider: 'local' }],
	// Vectors of different models cannot be compared: a key that comes and goes must not change them, so local is first. English only.
	embed: [{ provider: 'local' }, { provider: 'openai' }],
	embed_image: [{ provider: 'local' }, { provider: 'replicate' }],
	label: [{ provider: 'local' }],
	detect: [{ provider: 'local' }],
	faces: [{ provider: 'local' }],
	read_text: [{ provider: 'local' }],
	// Locally only nudity is seen, and bare skin is often taken for more.
	moderate: [{ provider: 'openai' }, { provider: 'local' }],
	speak: [{ provider: 'elevenlabs' }, { provider: 'openai' }, { provider: 'local' }],
	dub: [{ provider: 'elevenlabs' }],
	transform: [{ provider: 'local' }, { provider: 'replicate' }],
};
