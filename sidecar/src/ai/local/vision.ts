import type { Capabilities } from '../ai.ts';
import { createCenternet } from './centernet.ts';
import { createLocalDescriber } from './describer.ts';
import type { Engines } from './engines.ts';
import { createLocalFaces } from './faces.ts';
import { createLocalImageVectors } from './image-vectors.ts';
import { createLocalLabels } from './labels.ts';
import { createLocalModerator } from './moderator.ts';
import { createLocalObjects } from './objects.ts';
import { createLocalTextReader } from './text-reader.ts';
import { createLocalTextVectors } from './text-vectors.ts';

/** What this machine sees and reads without network and key. Each engine starts when it is first asked (infer.ts). */
export function createLocalVision(engines: Engines): Pick<Capabilities, 'detect' | 'label' | 'embed_image' | 'faces' | 'read_text' | 'moderate' | 'embed' | 'describe'> {
	const centernet = createCenternet(engines);
	const detect = createLocalObjects(centernet);
	const readText = createLocalTextReader(engines);
	return {
		detect,
		label: createLocalLabels(detect),
		embed_image: createLocalImageVectors(centernet),
		faces: createLocalFaces(engines),
		read_text: readText,
		moderate: createLocalModerator(engines),
		embed: createLocalTextVectors(engines),
		describe: createLocalDescriber(detect, readText),
	};
}
