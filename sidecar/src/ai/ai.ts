import type { Describer } from './describer.ts';
import type { ImageEmbedder, TextEmbedder } from './embedder.ts';
import type { Dubber, Speaker } from './speaker.ts';
import type { Transcriber } from './transcriber.ts';
import type { Transformer } from './transformer.ts';
import type { Translator } from './translator.ts';
import type { FaceDetector, Labeler, Moderator, ObjectDetector, TextReader } from './vision.ts';
import type { VoiceActivity } from './voice-activity.ts';
import type { Writer } from './writer.ts';

/**
 * Every capability by its name in the routing. What operations get are *routed* ones: of the same shape as a provider, they
 * ask the first provider that can, and the next one where it fails (ai/routing/).
 */
export interface Capabilities {
	transcribe: Transcriber;
	describe: Describer;
	write: Writer;
	translate: Translator;
	embed: TextEmbedder;
	embed_image: ImageEmbedder;
	label: Labeler;
	detect: ObjectDetector;
	faces: FaceDetector;
	read_text: TextReader;
	moderate: Moderator;
	speak: Speaker;
	dub: Dubber;
	transform: Transformer;
}

export type Capability = keyof Capabilities;

/** What `main` hands to operations. `transform` is chosen by the operations themselves, by task. */
export type Ai = Omit<Capabilities, 'transform'> & { voiceActivity: VoiceActivity };
