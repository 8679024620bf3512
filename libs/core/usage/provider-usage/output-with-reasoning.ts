/** What a body says about its output: reasoning may be inside of it or beside it. */
export interface FoundOutput {
  readonly input: number | null;
  readonly output: number | null;
  readonly reasoning: number | null;
  /** The sum of the whole request, as the body gives it. */
  readonly total: number | null;
  /** Where reasoning is when the sum does not tell. */
  readonly isOutsideByDefault: boolean;
}

/**
 * Output with reasoning in it (SEMANTICS 3.4). OpenAI counts reasoning inside of completion tokens, xAI and Gemini beside them, and gateways either way:
 * the body's own sum tells which, and the provider's name only where there is no sum.
 */
export function outputWithReasoning(found: FoundOutput): number | null {
  const { output, reasoning } = found;
  if (reasoning === null || reasoning === 0) return output;
  return isOutside(found, reasoning) ? (output ?? 0) + reasoning : output;
}

function isOutside({ input, output, total, isOutsideByDefault }: FoundOutput, reasoning: number): boolean {
  if (total !== null && total > 0) {
    const withoutReasoning = (input ?? 0) + (output ?? 0);
    if (total === withoutReasoning) return false;
    if (total === withoutReasoning + reasoning) return true;
  }
  return isOutsideByDefault;
}
