using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Data;

/// <summary>Normalizers as ML.NET 1.0 wrote them: the length of a vector in place of its dimensions.</summary>
[TestClass]
public sealed class NormalizerVersionTests
{
    [TestMethod]
    public void Length_of_the_first_version_is_read()
    {
        var ml = new MLContext(1);
        IDataView data = ml.Data.LoadFromEnumerable([new Row { Values = [2, 8], Single = 5 }]);
        using var stream = new MemoryStream();
        ml.Model.Save(new FirstVersion(), data.Schema, stream);
        stream.Position = 0;
        IDataView normalized = ml.Model.Load(stream, out _).Transform(data);
        CollectionAssert.AreEqual(new[] { 1f, 2f }, normalized.GetColumn<float[]>("Values").Single());
        Assert.AreEqual(4f, normalized.GetColumn<float>("Single").Single());
    }

    private sealed class Row
    {
        [VectorType(2)]
        public float[] Values { get; set; } = [];

        public float Single { get; set; }
    }

    private sealed class FirstVersion : ITransformer
    {
        private static readonly string _assembly = typeof(NormalizingTransformer).Assembly.FullName!;

        bool ITransformer.IsRowToRowMapper => true;

        void ICanSaveModel.Save(ModelSaveContext ctx)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(new VersionInfo("NORMALZR", 0x00010001, 0x00010001, 0x00010001, _assembly, "Normalizer"));
            ctx.Writer.Write(2);
            foreach (string name in new[] { "Values", "Single" })
            {
                ctx.SaveNonEmptyString(name);
                ctx.SaveNonEmptyString(name);
            }
            ctx.Writer.Write(true);
            ctx.Writer.Write(2);
            ctx.Writer.Write((byte)DataKind.Single);
            ctx.SaveSubModel("Normalizer_000", part => Affine(part, [0.5f, 0.25f], []));
            ctx.Writer.Write(false);
            ctx.Writer.Write(0);
            ctx.Writer.Write((byte)DataKind.Single);
            ctx.SaveSubModel("Normalizer_001", part => Affine(part, [2], [3]));
        }

        // Scales, and offsets where there are any: (value - offset) · scale.
        private static void Affine(ModelSaveContext ctx, float[] scales, float[] offsets)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(new VersionInfo("AFF NORM", 0x00010003, 0x00010003, 0x00010003, _assembly, "AffineNormExec"));
            ctx.Writer.Write(sizeof(float));
            ctx.Writer.Write(scales.Length);
            ctx.Writer.Write(-1);
            foreach (float[] values in new[] { scales, offsets })
            {
                ctx.Writer.Write(values.Length);
                foreach (float value in values)
                    ctx.Writer.Write(value);
            }
        }

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IDataView Transform(IDataView input) => input;

        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();
    }
}
