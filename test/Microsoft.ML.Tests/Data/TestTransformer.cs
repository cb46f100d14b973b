using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Tests.Data;

[assembly: LoadableClass(typeof(Bag), null, typeof(SignatureLoadModel), "Bag", "TestBag")]

namespace Microsoft.ML.Tests.Data;

/// <summary>A third party's transformer: implements the public interfaces only, and passes everything through.</summary>
internal abstract class TestTransformer : ITransformer
{
    public bool IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

    public virtual IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new Through(inputSchema);

    public IDataView Transform(IDataView input) => input;

    public abstract void Save(ModelSaveContext ctx);

    private sealed class Through(DataViewSchema schema) : IRowToRowMapper
    {
        public DataViewSchema InputSchema => schema;

        public DataViewSchema OutputSchema => schema;

        public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => dependingColumns;

        public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) => input;
    }
}

/// <summary>Uses what a saved stage uses: strings, streams, a part in a folder of its own.</summary>
internal sealed class Bag : TestTransformer, IDisposable
{
    public string Text { get; set; } = "";

    public byte[] Bytes { get; set; } = [];

    public bool Disposed { get; private set; }

    public void Dispose() => Disposed = true;

    public override void Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version());
        ctx.SaveNonEmptyString(Text);
        ctx.SaveStringOrNull(null);
        ctx.Writer.Write(Bytes.Length);
        ctx.SaveBinaryStream("bytes.bin", writer => writer.Write(Bytes));
        ctx.SaveSubModel("Part", part =>
        {
            part.CheckAtModel();
            part.SetVersionInfo(Version());
            part.Writer.Write(42);
        });
    }

    private static VersionInfo Version() => new("TEST BAG", 2, 1, 1, typeof(Bag).Assembly.FullName, "TestBag");

    private static Bag Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version());
        var bag = new Bag { Text = ctx.LoadNonEmptyString() };
        env.CheckDecode(ctx.LoadStringOrNull() is null, "A null string came back as text");
        bag.Bytes = new byte[ctx.Reader.ReadInt32()];
        env.CheckDecode(ctx.TryLoadBinaryStream("bytes.bin", reader => reader.BaseStream.ReadExactly(bag.Bytes)), "The stream is missing");
        env.CheckDecode(!ctx.TryLoadBinaryStream("nothing.bin", _ => { }), "There is a stream that was not written");
        int answer = 0;
        env.CheckDecode(ctx.TryProcessSubModel("Part", part => answer = part.Reader.ReadInt32()) && answer == 42, "The part is missing");
        return bag;
    }
}
