using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.DataView;

[TestClass]
public class SchemaTests
{
    [TestMethod]
    public void Last_column_of_a_name_hides_the_others()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("A", TextDataViewType.Instance);
        DataViewSchema schema = builder.ToSchema();
        Assert.AreEqual(TextDataViewType.Instance, schema["A"].Type);
        Assert.IsTrue(schema[0].IsHidden);
        Assert.IsFalse(schema[1].IsHidden);
        Assert.IsNull(schema.GetColumnOrNull("B"));
        ArgumentOutOfRangeException e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema["B"]);
        Assert.Contains("B", e.Message);
    }

    [TestMethod]
    public void Annotations_are_typed()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue("Kind", TextDataViewType.Instance, "x".AsMemory());
        DataViewSchema.Annotations annotations = builder.ToAnnotations();
        ReadOnlyMemory<char> text = default;
        annotations.GetValue("Kind", ref text);
        Assert.AreEqual("x", text.ToString());
        float number = 0;
        Assert.ThrowsExactly<InvalidOperationException>(() => annotations.GetValue("Kind", ref number));
        Assert.ThrowsExactly<InvalidOperationException>(() => annotations.GetValue("Other", ref number));
    }

    [TestMethod]
    public void Types_compare_by_what_they_describe()
    {
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 5), new KeyDataViewType(typeof(uint), 5UL));
        Assert.AreNotEqual(new KeyDataViewType(typeof(uint), 5), new KeyDataViewType(typeof(uint), 6));
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 3), new VectorDataViewType(NumberDataViewType.Single, new[] { 3 }));
        Assert.AreNotEqual(new VectorDataViewType(NumberDataViewType.Single, 6), new VectorDataViewType(NumberDataViewType.Single, 2, 3));
        Assert.AreEqual("Vector<Single, 3>", new VectorDataViewType(NumberDataViewType.Single, 3).ToString());
        Assert.AreEqual("Key<UInt32, 0-4>", new KeyDataViewType(typeof(uint), 5).ToString());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(byte), 256));
        Assert.ThrowsExactly<ArgumentException>(() => new KeyDataViewType(typeof(int), 2));
    }

    [TestMethod]
    public void Shape_of_a_schema_keeps_kinds_keys_and_annotations()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add("KeyValues", new VectorDataViewType(TextDataViewType.Instance, 2), (ref VBuffer<ReadOnlyMemory<char>> value) => value = default);
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("K", new KeyDataViewType(typeof(uint), 2), annotations.ToAnnotations());
        builder.AddColumn("V", new VectorDataViewType(NumberDataViewType.Single));
        SchemaShape shape = SchemaShape.Create(builder.ToSchema());
        Assert.IsTrue(shape.TryFindColumn("K", out SchemaShape.Column key));
        Assert.IsTrue(key.IsKey);
        Assert.AreEqual(NumberDataViewType.UInt32, key.ItemType);
        Assert.HasCount(1, key.Annotations);
        Assert.AreEqual(SchemaShape.Column.VectorKind.VariableVector, shape[1].Kind);
    }
}
