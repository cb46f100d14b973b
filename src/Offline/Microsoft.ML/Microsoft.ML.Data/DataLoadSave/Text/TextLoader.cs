using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(TextLoader), null, typeof(SignatureLoadModel), "Text Loader", TextLoader.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>Reads text files of one row per line and fields between separators.</summary>
public sealed class TextLoader : IDataLoader<IMultiStreamSource>
{
    internal const string LoaderSignature = "TextLoader";

    private const string IllegalSeparators = "\0\r\n\"0123456789";

    private readonly IHost _host;
    private readonly TextFormat _format;

    internal TextLoader(IHostEnvironment env, Options options, IMultiStreamSource sample)
    {
        _host = env.Register(nameof(TextLoader));
        _host.CheckValue(options, nameof(options));
        _host.CheckParam(options.Columns is { Length: > 0 }, nameof(options.Columns), "At least one column is needed");
        _host.CheckParam(options.Separators is { Length: > 0 }, nameof(options.Separators), "At least one separator is needed");
        foreach (char separator in options.Separators)
            _host.CheckParam(!IllegalSeparators.Contains(separator) && !(separator == ':' && options.AllowSparse), nameof(options.Separators), $"'{separator}' cannot be a separator");
        _host.CheckParam(options.MaxRows is null or > 0, nameof(options.MaxRows), $"Must be positive, but is {options.MaxRows}");
        _host.CheckParam(options.InputSize is null or >= 0, nameof(options.InputSize), $"Must not be negative, but is {options.InputSize}");
        _host.CheckParam(options.DecimalMarker is '.' or ',', nameof(options.DecimalMarker), $"Must be '.' or ',', but is '{options.DecimalMarker}'");
        _host.CheckParam(!options.Separators.Contains(options.DecimalMarker), nameof(options.DecimalMarker), "Must not be a separator, too");
        _host.CheckParam(!options.Separators.Contains(options.EscapeChar), nameof(options.EscapeChar), "Must not be a separator, too");
        _format = TextFormat.Of(_host, options, sample);
    }

    private TextLoader(IHostEnvironment env, ModelLoadContext ctx)
    {
        _host = env.Register(nameof(TextLoader));
        _format = TextFormat.Load(_host, ctx);
    }

    public DataViewSchema GetOutputSchema() => _format.Schema;

    /// <summary>The rows of the files, one file after the other, read when a cursor reaches them.</summary>
    public IDataView Load(IMultiStreamSource source)
    {
        _host.CheckValue(source, nameof(source));
        return new TextDataView(_host, _format, source);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        _host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        _format.Save(ctx);
    }

    private static TextLoader Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        return new TextLoader(env, ctx);
    }

    private static VersionInfo GetVersionInfo() =>
        new("TXTLOADR", 0x0001000E, 0x0001000A, 0x0001000D, OfficialAssembly.NameOf(typeof(TextLoader)), LoaderSignature);

    /// <summary>Some fields of a line.</summary>
    public sealed class Range
    {
        public Range()
        {
        }

        public Range(int index)
            : this(index, index)
        {
        }

        /// <param name="min">The first field, from 0.</param>
        /// <param name="max">The last field; null for all to the end of the line, as many as the first line has.</param>
        public Range(int min, int? max)
        {
            if (min < 0)
                throw new ArgumentOutOfRangeException(nameof(min), min, "Must not be negative");
            if (max < min)
                throw new ArgumentOutOfRangeException(nameof(max), max, $"Must not be less than {min}");
            Min = min;
            Max = max;
            AutoEnd = max is null;
        }

        public int Min;

        public int? Max;

        /// <summary>Whether the range goes to the end of the line, as many fields as the first line of the sample has.</summary>
        public bool AutoEnd;

        /// <summary>Whether the range goes to the end of each line, which makes a vector of variable length.</summary>
        public bool VariableEnd;

        /// <summary>Whether one field is a vector, too.</summary>
        public bool ForceVector;

        /// <summary>Whether the range is all fields from <see cref="Min"/> on that no other range has; for one range of a loader.</summary>
        public bool AllOther;
    }

    /// <summary>A column, and the fields it is read from.</summary>
    public sealed class Column
    {
        public Column()
        {
        }

        public Column(string name, DataKind dataKind, int index)
            : this(name, dataKind, [new Range(index)])
        {
        }

        public Column(string name, DataKind dataKind, int minIndex, int maxIndex)
            : this(name, dataKind, [new Range(minIndex, maxIndex)])
        {
        }

        public Column(string name, DataKind dataKind, Range[] source, KeyCount keyCount = null)
        {
            Name = name;
            DataKind = dataKind;
            Source = source;
            KeyCount = keyCount;
        }

        public string Name;

        public Range[] Source;

        /// <summary>Makes the numbers of the fields, which count from 0, keys.</summary>
        public KeyCount KeyCount;

        public DataKind DataKind { get; set; } = DataKind.Single;
    }

    /// <summary>How a file is read.</summary>
    public class Options
    {
        public Options()
        {
        }

        /// <summary>Whether fields may stand in quotation marks.</summary>
        public bool AllowQuoting;

        /// <summary>Whether the end of a line may be <c>count index:value index:value …</c>.</summary>
        public bool AllowSparse;

        public Column[] Columns;

        public char DecimalMarker = '.';

        /// <summary>What makes a quotation mark in a quoted field a part of it.</summary>
        public char EscapeChar = '"';

        public bool HasHeader;

        /// <summary>A file whose first line names the fields, in place of the first line of what is loaded.</summary>
        public string HeaderFile;

        /// <summary>How many fields a line has; null where lines say it.</summary>
        public int? InputSize;

        public long? MaxRows;

        /// <summary>Whether an empty field is a missing real number, and not 0.</summary>
        public bool MissingRealsAsNaNs;

        /// <summary>Whether a quoted field may go on over the end of its line.</summary>
        public bool ReadMultilines;

        public char[] Separators = ['\t'];

        /// <summary>Whether spaces at the end of a line and around fields are left out.</summary>
        public bool TrimWhitespace;

        /// <summary>Whether lines may be read by several threads. Here one thread reads them; the rows are the same.</summary>
        public bool UseThreads = true;
    }
}
