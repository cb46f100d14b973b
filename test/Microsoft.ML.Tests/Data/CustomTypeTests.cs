using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Data;

/// <summary>Column types that a user's assembly adds, as images are.</summary>
[TestClass]
public class CustomTypeTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Custom_type_goes_through_views_stages_and_engines()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new Holder { Box = new Box(4) }, new Holder { Box = new Box(5) }]);
        Assert.IsInstanceOfType<BoxDataViewType>(data.Schema["Box"].Type);
        ITransformer model = _ml.Transforms.CopyColumns("Same", "Box")
            .Append(_ml.Transforms.CustomMapping<Holder, Size>((source, target) => target.Value = source.Box!.Value, null)).Fit(data);
        IDataView cached = _ml.Data.Cache(model.Transform(data));
        CollectionAssert.AreEqual(new[] { 4, 5 }, cached.GetColumn<int>("Value").ToArray());
        CollectionAssert.AreEqual(new[] { 4, 5 }, cached.GetColumn<Box>("Same").Select(box => box.Value).ToArray());
        using PredictionEngine<Holder, Size> engine = _ml.Model.CreatePredictionEngine<Holder, Size>(model);
        Assert.AreEqual(9, engine.Predict(new Holder { Box = new Box(9) }).Value);
    }

    [TestMethod]
    public void Input_columns_of_types_that_cannot_be_written_are_left_out_of_the_saved_schema()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new Holder { Box = new Box(4) }]);
        ITransformer model = _ml.Transforms.CopyColumns("Same", "Box").Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);
        stream.Position = 0;
        ITransformer loaded = _ml.Model.Load(stream, out DataViewSchema schema);
        Assert.HasCount(0, schema);
        Assert.AreEqual(4, loaded.Transform(data).GetColumn<Box>("Same").Single().Value);
    }

    [TestMethod]
    public void Member_without_a_column_type_is_named()
    {
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable([new Unknown()]));
        Assert.Contains("Strange", e.Message);
    }

    [TestMethod]
    public void Type_cannot_be_registered_for_two_columns_types()
    {
        DataViewTypeManager.Register(new BoxDataViewType(), typeof(Box), new BoxAttribute());
        Assert.ThrowsExactly<ArgumentException>(() => DataViewTypeManager.Register(new BoxDataViewType(), typeof(string)));
    }

    internal sealed record Box(int Value);

    internal sealed class BoxDataViewType : StructuredDataViewType
    {
        public BoxDataViewType()
            : base(typeof(Box))
        {
        }

        public override bool Equals(DataViewType? other) => other is BoxDataViewType;
    }

    internal sealed class BoxAttribute : DataViewTypeAttribute
    {
        public override void Register() => DataViewTypeManager.Register(new BoxDataViewType(), typeof(Box), this);

        public override bool Equals(DataViewTypeAttribute? other) => other is BoxAttribute;
    }

    internal sealed class Holder
    {
        [Box]
        public Box? Box { get; set; }
    }

    internal sealed class Size
    {
        public int Value { get; set; }
    }

    private sealed class Unknown
    {
        public Uri? Strange { get; set; }
    }
}
