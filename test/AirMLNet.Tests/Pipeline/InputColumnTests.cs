using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class InputColumnTests
{
    private const string Stage = "Stage";
    private static readonly IDataView Data = Make();

    [TestMethod]
    public void WhatFits_IsFoundInBothSchemas()
    {
        InputColumn[] columns =
        [
            InputColumn.Vector("Values"),
            InputColumn.Vector("Values", 3),
            InputColumn.Single("Number"),
            InputColumn.Text("Text"),
            InputColumn.Image("Text"),
            InputColumn.Label("Key"),
            InputColumn.Label("Key", ["a", "b"]),
            InputColumn.Vector("Nothing") with
            {
                Optional = true,
            },
        ];
        foreach (var column in columns)
        {
            column.Check(FriendMembers.ShapeOf(Data.Schema), Stage);
            Assert.AreEqual(column.Optional ? null : Data.Schema[column.Name].Index, column.FindOrNull(Data.Schema, Stage)?.Index);
        }
    }

    [TestMethod]
    public void WhatDoesNotFit_IsRefusedByBothSchemas_InOneSentence()
    {
        (InputColumn Column, string Expected)[] cases =
        [
            (InputColumn.Vector("Number"), "column 'Number' is Single; expected a vector of Single of known size."),
            (InputColumn.Single("Text") with { Optional = true }, "column 'Text' is String; expected Single."),
            (InputColumn.Text("Number"), "column 'Number' is Single; expected Text."),
            (InputColumn.Image("Number"), "column 'Number' is Single; expected Text (image paths) or MLImage."),
            (InputColumn.Label("Number"), "column 'Number' is Single; expected Key<UInt32> with KeyValues."),
            (InputColumn.Vector("Nothing", 2), "there is no column 'Nothing'; expected a vector of 2 Single. The input has: Values, "),
        ];
        foreach ((var column, var expected) in cases)
        {
            var real = Assert.ThrowsExactly<ArgumentException>(() => column.FindOrNull(Data.Schema, Stage));
            var predicted = Assert.ThrowsExactly<ArgumentException>(() => column.Check(FriendMembers.ShapeOf(Data.Schema), Stage));
            Assert.StartsWith($"{Stage}: {expected}", real.Message);
            Assert.StartsWith($"{Stage}: {expected}", predicted.Message);
        }
    }

    [TestMethod]
    public void ARealSchema_KnowsLengthsAndNames()
    {
        var length = InputColumn.Vector("Values", 4);
        length.Check(FriendMembers.ShapeOf(Data.Schema), Stage);
        Assert.Contains(
            "expected a vector of 4 Single",
            Assert.ThrowsExactly<ArgumentException>(() => length.Find(Data.Schema, Stage)).Message
        );
        var names = InputColumn.Label("Key", ["b", "a"]);
        names.Check(FriendMembers.ShapeOf(Data.Schema), Stage);
        Assert.Contains("are [a, b]; expected", Assert.ThrowsExactly<ArgumentException>(() => names.Find(Data.Schema, Stage)).Message);
    }

    private static IDataView Make()
    {
        var ml = new MLContext(1);
        var data = ml.Data.LoadFromEnumerable(
            new[]
            {
                new Row { Text = "a" },
                new Row { Text = "b" },
            }
        );
        return ml.Transforms.Conversion.MapValueToKey("Key", "Text").Fit(data).Transform(data);
    }

    private sealed class Row
    {
        [VectorType(3)]
        public float[] Values { get; set; } = new float[3];

        public float Number { get; set; }

        public string Text { get; set; } = "";
    }
}
