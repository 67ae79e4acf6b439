import { severalOperations } from '../../shared/severalOperations';

export const several = severalOperations('[\n  { "operation": "transcribe" },\n  { "operation": "caption" }\n]');
