import { PipelineError } from '../../errors.ts';
import type { Capabilities } from '../ai.ts';

/** Stands in for capabilities that nobody serves: every call is refused with `why`. */
export function absent(why: string): Omit<Capabilities, 'transform'> {
	const refuse = (): Promise<never> => Promise.reject(new PipelineError('provider_not_configured', why));
	const nobody = { name: 'local' as const, model: 'none', obstacle: () => why };
	const space = { space: 'none', dimensions: 0 };
	return {
		transcribe: { ...nobody, takes: { format: 'wav', maxBytes: 0, maxSeconds: 0, parallel: 1 }, transcribe: refuse },
		describe: { ...nobody, describe: refuse },
		write: { ...nobody, write: refuse },
		translate: { ...nobody, translate: refuse },
		embed: { ...nobody, ...space, embed: refuse },
		embed_image: { ...nobody, ...space, embedImages: refuse },
		label: { ...nobody, label: refuse },
		detect: { ...nobody, detectObjects: refuse },
		faces: { ...nobody, detectFaces: refuse },
		read_text: { ...nobody, read: refuse },
		moderate: { ...nobody, moderate: refuse },
		speak: { ...nobody, speak: refuse },
		dub: { ...nobody, dub: refuse },
	};
}
