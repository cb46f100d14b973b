using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Reading and writing text files.</summary>
public static class TextLoaderSaverCatalog
{
    /// <summary>A loader for files with these columns.</summary>
    public static TextLoader CreateTextLoader(
        this DataOperationsCatalog catalog,
        TextLoader.Column[] columns,
        char separatorChar = '\t',
        bool hasHeader = false,
        IMultiStreamSource dataSample = null,
        bool allowQuoting = false,
        bool trimWhitespace = false,
        bool allowSparse = false) =>
        catalog.CreateTextLoader(Options(columns, separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse), dataSample);

    /// <summary>A loader with these options. The sample gives the header's names and the length of ranges without an end.</summary>
    public static TextLoader CreateTextLoader(this DataOperationsCatalog catalog, TextLoader.Options options, IMultiStreamSource dataSample = null) =>
        new(catalog.GetEnvironment(), options, dataSample);

    /// <summary>A loader for files whose columns the members of a class give, with their <see cref="LoadColumnAttribute"/>.</summary>
    public static TextLoader CreateTextLoader<TInput>(
        this DataOperationsCatalog catalog,
        char separatorChar = '\t',
        bool hasHeader = false,
        IMultiStreamSource dataSample = null,
        bool allowQuoting = false,
        bool trimWhitespace = false,
        bool allowSparse = false) =>
        catalog.CreateTextLoader(ColumnsOf(typeof(TInput)), separatorChar, hasHeader, dataSample, allowQuoting, trimWhitespace, allowSparse);

    /// <summary>A loader with these options for files whose columns the members of a class give; those of the options are not used.</summary>
    public static TextLoader CreateTextLoader<TInput>(this DataOperationsCatalog catalog, TextLoader.Options options, IMultiStreamSource dataSample = null)
    {
        catalog.GetEnvironment().CheckValue(options, nameof(options));
        options.Columns = ColumnsOf(typeof(TInput));
        return catalog.CreateTextLoader(options, dataSample);
    }

    /// <summary>The rows of a text file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static IDataView LoadFromTextFile(
        this DataOperationsCatalog catalog,
        string path,
        TextLoader.Column[] columns,
        char separatorChar = '\t',
        bool hasHeader = false,
        bool allowQuoting = false,
        bool trimWhitespace = false,
        bool allowSparse = false) =>
        Load(catalog, path, Options(columns, separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse));

    /// <summary>The rows of a text file. Options without columns are refused: nothing is guessed from the file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static IDataView LoadFromTextFile(this DataOperationsCatalog catalog, string path, TextLoader.Options options = null) => Load(catalog, path, options ?? new TextLoader.Options());

    /// <summary>The rows of a text file, with the columns that the members of a class give.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static IDataView LoadFromTextFile<TInput>(
        this DataOperationsCatalog catalog,
        string path,
        char separatorChar = '\t',
        bool hasHeader = false,
        bool allowQuoting = false,
        bool trimWhitespace = false,
        bool allowSparse = false) =>
        Load(catalog, path, Options(ColumnsOf(typeof(TInput)), separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse));

    /// <summary>The rows of a text file, with the columns that the members of a class give; those of the options are not used.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static IDataView LoadFromTextFile<TInput>(this DataOperationsCatalog catalog, string path, TextLoader.Options options)
    {
        catalog.GetEnvironment().CheckValue(options, nameof(options));
        options.Columns = ColumnsOf(typeof(TInput));
        return Load(catalog, path, options);
    }

    /// <summary>Writes a view as text.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="data">Columns of types that are no text, number, key, Boolean or time are left out with a warning.</param>
    /// <param name="stream">Where to.</param>
    /// <param name="separatorChar">Between fields.</param>
    /// <param name="headerRow">Whether the first line names the fields.</param>
    /// <param name="schema">Whether a description for loaders comes first.</param>
    /// <param name="keepHidden">Whether columns that a later one of the same name hides are written, too.</param>
    /// <param name="forceDense">Whether every value is written, and not only those that are not 0 or empty.</param>
    public static void SaveAsText(
        this DataOperationsCatalog catalog,
        IDataView data,
        Stream stream,
        char separatorChar = '\t',
        bool headerRow = true,
        bool schema = true,
        bool keepHidden = false,
        bool forceDense = false)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckValue(data, nameof(data));
        env.CheckValue(stream, nameof(stream));
        env.CheckParam(separatorChar is '\t' or ' ' or ',' or ';' or '|', nameof(separatorChar), $"Must be a tab, a space, ',', ';' or '|', but is '{separatorChar}'");
        new TextSaver(env.Register(nameof(TextSaver)), separatorChar, headerRow, schema, forceDense).Save(data, stream, keepHidden);
    }

    private static TextLoader.Options Options(TextLoader.Column[] columns, char separator, bool hasHeader, bool allowQuoting, bool trimWhitespace, bool allowSparse) => new()
    {
        Columns = columns,
        Separators = [separator],
        HasHeader = hasHeader,
        AllowQuoting = allowQuoting,
        TrimWhitespace = trimWhitespace,
        AllowSparse = allowSparse,
    };

    private static IDataView Load(DataOperationsCatalog catalog, string path, TextLoader.Options options)
    {
        IHostEnvironment env = catalog.GetEnvironment();
        env.CheckNonEmpty(path, nameof(path));
        var source = new MultiFileSource(path);
        return new TextLoader(env, options, source).Load(source);
    }

    private static TextLoader.Column[] ColumnsOf(Type type)
    {
        var columns = new List<TextLoader.Column>();
        foreach (MemberInfo member in type.GetMembers(BindingFlags.Public | BindingFlags.Instance))
        {
            if (member is not (FieldInfo or PropertyInfo) || member.GetCustomAttribute<LoadColumnAttribute>() is not { } load)
                continue;
            DataViewType columnType = MemberColumns.ColumnTypeOf(member);
            PrimitiveDataViewType item = AnnotationUtils.GetItemType(columnType)
                ?? throw new ArgumentOutOfRangeException(nameof(type), $"Member '{member.Name}' of {type} cannot be read from text");
            TextLoader.Range[] sources = Array.ConvertAll(load.Sources, range => new TextLoader.Range(range.Min, range.Max) { ForceVector = columnType is VectorDataViewType });
            columns.Add(new TextLoader.Column(
                member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name,
                TextFormat.KindOf(item),
                sources,
                item is KeyDataViewType key ? new KeyCount(key.Count) : null));
        }
        if (columns.Count == 0)
            throw new ArgumentOutOfRangeException(nameof(type), $"No public field or property of {type} has a {nameof(LoadColumnAttribute)}");
        return [.. columns];
    }
}
