import { z } from 'zod';

/** Parameters that several operations on videos share. */

/** Nearly as good as the source: what is edited is often encoded again, by a platform. */
export const crf = z.int().min(0).max(51).default(20).describe('Quality of x264: 0 (lossless) to 51 (worst). Default 20.');
