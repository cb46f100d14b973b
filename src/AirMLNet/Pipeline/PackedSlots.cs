namespace AirMLNet.Pipeline;

/// <summary>
/// What an encoder takes of a batch: slots that failed, or whose result is known already, leave gaps, so the others move
/// together and their results go back to where they belong.
/// </summary>
internal static class PackedSlots
{
    /// <summary>Moves the values of the slots that are not skipped to the front, in their order.</summary>
    /// <param name="values">Values of the slots, <paramref name="size"/> each, slot after slot.</param>
    /// <param name="size">Values of a slot.</param>
    /// <param name="skip">For each slot, whether it is left out.</param>
    /// <returns>The slots whose values are now at the front.</returns>
    public static int[] Pack<T>(Span<T> values, int size, ReadOnlySpan<bool> skip)
    {
        var slots = new List<int>(skip.Length);
        for (var slot = 0; slot < skip.Length; slot++)
        {
            if (skip[slot])
            {
                continue;
            }

            if (slots.Count != slot)
            {
                values.Slice(slot * size, size).CopyTo(values[(slots.Count * size)..]);
            }

            slots.Add(slot);
        }
        return [.. slots];
    }

    /// <summary>Puts packed results into their slots.</summary>
    /// <param name="packed">Results, <paramref name="size"/> values each, in the order of <paramref name="slots"/>.</param>
    /// <param name="size">Values of a result.</param>
    /// <param name="slots">From <see cref="Pack"/>.</param>
    /// <param name="results">Receives the results, slot after slot.</param>
    public static void Spread<T>(ReadOnlySpan<T> packed, int size, ReadOnlySpan<int> slots, Span<T> results)
    {
        for (var k = 0; k < slots.Length; k++)
        {
            packed.Slice(k * size, size).CopyTo(results[(slots[k] * size)..]);
        }
    }
}
