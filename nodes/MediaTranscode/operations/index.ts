import type { NodeOperation, Resource } from '../../shared/operation';
import { audio } from './audio';
import { enhance } from './enhance';
import { image } from './image';
import { probe } from './media/probe';
import { several } from './media/several';
import { adaptive } from './video/adaptive';
import { compress } from './video/compress';
import { convert } from './video/convert';
import { crop } from './video/crop';
import { edits } from './video/edits';
import { preset } from './video/preset';
import { preview } from './video/preview';
import { previewClip } from './video/previewClip';
import { sprite } from './video/sprite';
import { stream } from './video/stream';
import { thumbnail } from './video/thumbnail';

/** The first one is preselected, and the first operation of each. */
export const resources: readonly Resource[] = [
	{ name: 'Video', value: 'video', operations: [compress, convert, crop, thumbnail, adaptive, preset, preview, previewClip, sprite, stream, ...edits] },
	audio,
	image,
	enhance,
	{ name: 'Any Media', value: 'media', operations: [probe, several] },
];

export const operations: readonly NodeOperation[] = resources.flatMap((resource) => resource.operations);
