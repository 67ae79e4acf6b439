import { audioOperations } from './audio/index.ts';
import { imageOperations } from './image/index.ts';
import type { Operation } from './operation.ts';
import { probe } from './probe.ts';
import { adaptive } from './video/adaptive.ts';
import { createCompress } from './video/compress.ts';
import { createConvert } from './video/convert.ts';
import { crop } from './video/crop.ts';
import { editOperations } from './video/edits.ts';
import { preset } from './video/preset.ts';
import { preview } from './video/preview.ts';
import { previewClip } from './video/preview-clip.ts';
import { sprite } from './video/sprite.ts';
import { stream } from './video/stream.ts';
import { thumbnail } from './video/thumbnail.ts';

export interface MediaOperationsDeps {
	/** Encoders of this ffmpeg; formats without one are not offered. Absent: all are. */
	encoders?: ReadonlySet<string> | null;
	/** Whether this ffmpeg measures VMAF. Default false. */
	vmaf?: boolean;
}

/** Operations that need nothing but the media. To add one: import it, and name it here. */
export function createMediaOperations({ encoders = null, vmaf = false }: MediaOperationsDeps = {}): Operation[] {
	return [probe, thumbnail, createCompress({ vmaf }), crop, createConvert(encoders), adaptive, preset, preview, previewClip, sprite, stream, ...editOperations, ...audioOperations, ...imageOperations];
}

/** Operations by name. Throws when two of them claim one name: the second would silently win. */
export function createRegistry(operations: Iterable<Operation>): ReadonlyMap<string, Operation> {
	const registry = new Map<string, Operation>();
	for (const operation of operations) {
		if (registry.has(operation.name))
			throw new Error(`Two operations are called ${operation.name}. Rename one of them in its file.`);
		registry.set(operation.name, operation);
	}
	return registry;
}
