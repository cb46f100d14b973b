namespace Microsoft.ML.Data;

/// <summary>Copies a member's value into a column value.</summary>
internal delegate void ToColumn<TMember, TValue>(TMember source, ref TValue destination);

/// <summary>Copies a column value into a member; what the member held before may be reused.</summary>
internal delegate TMember ToMember<TValue, TMember>(in TValue source, TMember previous);

/// <summary>The conversions between members of users' classes and column values.</summary>
internal static class ValueConversion
{
    public static ToColumn<TMember, TValue> ToColumn<TMember, TValue>()
    {
        if (typeof(TMember) == typeof(string))
            return (ToColumn<TMember, TValue>)(object)(ToColumn<string, ReadOnlyMemory<char>>)((string source, ref ReadOnlyMemory<char> destination) => destination = source.AsMemory());
        if (typeof(TMember) == typeof(string[]))
            return (ToColumn<TMember, TValue>)(object)(ToColumn<string[], VBuffer<ReadOnlyMemory<char>>>)TextsToColumn;
        Type item = MemberColumns.ItemTypeOf(typeof(TMember), out bool isVector);
        if (!isVector)
            return (ToColumn<TMember, TValue>)(object)(ToColumn<TValue, TValue>)((TValue source, ref TValue destination) => destination = source);
        string method = typeof(TMember).IsArray ? nameof(ArrayToColumn) : nameof(VectorToColumn);
        return (ToColumn<TMember, TValue>)typeof(ValueConversion).GetMethod(method, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)
            .MakeGenericMethod(item).CreateDelegate(typeof(ToColumn<TMember, TValue>));
    }

    public static ToMember<TValue, TMember> ToMember<TValue, TMember>()
    {
        if (typeof(TMember) == typeof(string))
            return (ToMember<TValue, TMember>)(object)(ToMember<ReadOnlyMemory<char>, string>)((in ReadOnlyMemory<char> source, string _) => source.ToString());
        if (typeof(TMember) == typeof(string[]))
            return (ToMember<TValue, TMember>)(object)(ToMember<VBuffer<ReadOnlyMemory<char>>, string[]>)ColumnToTexts;
        Type item = MemberColumns.ItemTypeOf(typeof(TMember), out bool isVector);
        if (!isVector)
            return (ToMember<TValue, TMember>)(object)(ToMember<TValue, TValue>)((in TValue source, TValue _) => source);
        string method = typeof(TMember).IsArray ? nameof(ColumnToArray) : nameof(ColumnToVector);
        return (ToMember<TValue, TMember>)typeof(ValueConversion).GetMethod(method, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)
            .MakeGenericMethod(item).CreateDelegate(typeof(ToMember<TValue, TMember>));
    }

    private static void TextsToColumn(string[] source, ref VBuffer<ReadOnlyMemory<char>> destination)
    {
        VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref destination, source?.Length ?? 0);
        for (int i = 0; i < editor.Values.Length; i++)
            editor.Values[i] = source[i].AsMemory();
        destination = editor.Commit();
    }

    private static void ArrayToColumn<T>(T[] source, ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, source?.Length ?? 0);
        source.AsSpan().CopyTo(editor.Values);
        destination = editor.Commit();
    }

    private static void VectorToColumn<T>(VBuffer<T> source, ref VBuffer<T> destination) => source.CopyTo(ref destination);

    private static string[] ColumnToTexts(in VBuffer<ReadOnlyMemory<char>> source, string[] previous)
    {
        string[] texts = previous?.Length == source.Length ? previous : new string[source.Length];
        foreach (KeyValuePair<int, ReadOnlyMemory<char>> item in source.Items(all: true))
            texts[item.Key] = item.Value.ToString();
        return texts;
    }

    private static T[] ColumnToArray<T>(in VBuffer<T> source, T[] previous)
    {
        T[] values = previous?.Length == source.Length ? previous : new T[source.Length];
        source.CopyTo(values);
        return values;
    }

    private static VBuffer<T> ColumnToVector<T>(in VBuffer<T> source, VBuffer<T> previous)
    {
        source.CopyTo(ref previous);
        return previous;
    }
}
