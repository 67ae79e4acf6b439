import { enginesFolder } from '../../scripts/lib/engines-install.mjs';
import type { TextEmbedder } from '../../sidecar/src/ai/embedder.ts';
import { createEngines } from '../../sidecar/src/ai/local/engines.ts';
import { createLocalTextVectors } from '../../sidecar/src/ai/local/text-vectors.ts';

/** The local model for the meaning of English texts, for real. Its process ends by itself. */
export const localTextVectors = async (): Promise<TextEmbedder> => createLocalTextVectors(createEngines(await enginesFolder()));
