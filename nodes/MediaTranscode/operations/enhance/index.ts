import type { Resource } from '../../../shared/operation';
import { removeBackground } from './removeBackground';
import { styleTransfer } from './styleTransfer';
import { upscale } from './upscale';

export const enhance: Resource = { name: 'Enhance', value: 'enhance', operations: [removeBackground, styleTransfer, upscale] };
