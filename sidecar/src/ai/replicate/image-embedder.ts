import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { ImageEmbedder } from '../embedder.ts';
import { spend } from '../meter.ts';
import { addUsage } from '../provider.ts';
import type { ReplicateClient } from './client.ts';
import { forEachPicture } from './each.ts';

const vector = z.array(z.number()).min(1);
/** Models wrap the vector differently. */
const vectorSchema = z.union([vector, z.object({ embedding: vector }).transform(({ embedding }) => embedding), z.array(z.object({ embedding: vector })).length(1).transform(([only]) => only?.embedding ?? [])]);

/** CLIP or the like on replicate.com. Pin its version (`owner/name:version`): vectors of two versions cannot be compared. */
export function createReplicateImageEmbedder({ client, model, dimensions }: { client: ReplicateClient; model: string; dimensions: number }): ImageEmbedder {
	return {
		name: 'replicate',
		model,
		space: `replicate:${model}:${dimensions}`,
		dimensions,
		obstacle: () => client.obstacle(),
		async embedImages(pictures, { signal: outer }) {
			const answers = await forEachPicture(pictures, outer, async (picture, signal) => {
				const { output, usage } = await client.run({ model, picture, input: () => ({}), signal });
				spend({ ai_images: 1 });
				const numbers = vectorSchema.safeParse(output).data;
				if (!numbers) throw new PipelineError('provider_answer_invalid', `The model ${model} on Replicate answered no vector. Choose a model that embeds pictures.`);
				if (numbers.length !== dimensions) throw new PipelineError('provider_rejected', `The model ${model} on Replicate answered ${numbers.length} numbers; ${dimensions} are expected. Set "dimensions" in the routing file to ${numbers.length}.`);
				const length = Math.hypot(...numbers);
				if (!(length > 0) || !Number.isFinite(length)) throw new PipelineError('provider_answer_invalid', `The model ${model} on Replicate answered a vector without direction.`);
				return { vector: numbers.map((number) => number / length), usage };
			});
			return { vectors: answers.map((answer) => answer.vector), usage: addUsage({ ai_images: pictures.length }, ...answers.map(({ usage }) => usage)), provider: 'replicate', model };
		},
	};
}
