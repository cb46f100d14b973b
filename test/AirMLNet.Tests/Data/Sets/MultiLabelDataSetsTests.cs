using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Data.Sets;

[TestClass]
public sealed class MultiLabelDataSetsTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void Voc_DifficultObjectsCountAsNegative()
    {
        Write("VOCdevkit/VOC2007/ImageSets/Main/cat_test.txt", "000001  1\n000002 -1\n000003  0\n");
        Write("VOCdevkit/VOC2007/ImageSets/Main/dog_test.txt", "000001 -1\n000002  1\n000003 -1\n");
        Write("VOCdevkit/VOC2007/ImageSets/Main/cat_trainval.txt", "000009 1\n");
        Write("VOCdevkit/VOC2007/ImageSets/Main/dog_trainval.txt", "000009 1\n");

        var set = MultiLabelDataSets.Open("voc2007", _folder);

        CollectionAssert.AreEqual(new[] { "cat", "dog" }, set.ClassNames.ToArray());
        Assert.AreEqual("1 0|0 1|0 0", Labels(set.Test));
        Assert.AreEqual("1 1", Labels(set.Train));
        Assert.IsTrue(set.Test[1].Path.EndsWith(Path.Combine("JPEGImages", "000002.jpg"), StringComparison.Ordinal));
        Write("VOCdevkit/VOC2007/ImageSets/Main/dog_test.txt", "000001 -1\n000002 yes\n");
        Assert.Contains(
            "dog_test.txt: line 2",
            Assert.ThrowsExactly<InvalidDataException>(() => MultiLabelDataSets.Open("VOC2007", _folder)).Message
        );
    }

    [TestMethod]
    public void Coco_ImagesWithoutLabelsStay_AndCategoriesKeepTheirOrder()
    {
        Write(
            "COCO/annotations/instances_val2014.json",
            """
            {"info":{"year":2014},"images":[{"file_name":"a.jpg","id":5,"license":[1,{"x":2}]},{"id":6,"file_name":"b.jpg"}],
             "annotations":[{"segmentation":[[1.5,2]],"image_id":5,"category_id":90,"id":1},{"image_id":5,"category_id":1,"id":2}],
             "categories":[{"supercategory":"x","id":1,"name":"person"},{"id":90,"name":"toothbrush"}]}
            """
        );

        var set = MultiLabelDataSets.Open("COCO2014", _folder);

        CollectionAssert.AreEqual(new[] { "person", "toothbrush" }, set.ClassNames.ToArray());
        Assert.AreEqual("1 1|0 0", Labels(set.Test));
        Assert.IsEmpty(set.Train);
        Write("COCO/annotations/instances_val2014.json", """{"images":[{"id":5,""");
        Assert.Contains(
            "instances_val2014.json",
            Assert.ThrowsExactly<InvalidDataException>(() => MultiLabelDataSets.Open("COCO2014", _folder)).Message
        );
    }

    [TestMethod]
    public void NusWide_PathsAreTheSystemsOwn_AndListsMustFit()
    {
        Write("NUSWIDE/Concepts81.txt", "sky\nsea\n");
        foreach (var part in new[] { "Train", "Test" })
        {
            Write($"NUSWIDE/ImageList/{part}Imagelist.txt", "actor\\1.jpg\nactor\\2.jpg\n");
            Write($"NUSWIDE/TrainTestLabels/Labels_sky_{part}.txt", "1\n0\n");
            Write($"NUSWIDE/TrainTestLabels/Labels_sea_{part}.txt", "1\n1\n");
        }

        var set = MultiLabelDataSets.Open("NUS-WIDE", _folder, ["Sky", "Sea"]);

        Assert.AreEqual("1 1|0 1", Labels(set.Test));
        Assert.AreEqual(_folder[Path.Combine("NUSWIDE", "Flickr", "actor", "1.jpg")], set.Train[0].Path);
        Assert.AreEqual("Sky", set.ClassNames[0]);
        Write("NUSWIDE/TrainTestLabels/Labels_sea_Test.txt", "1\n");
        Assert.Contains(
            "has 1 lines",
            Assert.ThrowsExactly<InvalidDataException>(() => MultiLabelDataSets.Open("NUS-WIDE", _folder)).Message
        );
    }

    [TestMethod]
    public void AListOfOnesOwn_NamesALineThatIsWrong()
    {
        Write("set/a.png", "");
        Write("set/b.png", "");
        // Columns in any order, with others, in quotes: the reader is that of all tables.
        Write("set/scenes.csv", "labels,note,path,split\ncat;dog,\"x, y\",a.png,train\n,,b.png,test\n");
        var set = MultiLabelDataSets.OpenCsv("mine", _folder["set/scenes.csv"], ["cat", "dog"]);
        Assert.AreEqual("1 1", Labels(set.Train));
        Assert.AreEqual("0 0", Labels(set.Test));
        Assert.AreEqual(_folder["set/b.png"], set.Test[0].Path);
        foreach (
            var (line, expected) in new[]
            {
                ("b.png,test,cow", "line 3 has the label 'cow'"),
                ("b.png,val,cat", "line 3: split 'val'"),
                ("c.png,test,cat", "line 3 names"),
            }
        )
        {
            Write("set/scenes.csv", $"path,split,labels\na.png,train,cat\n{line}\n");
            Assert.Contains(
                expected,
                Assert
                    .ThrowsExactly<InvalidDataException>(() =>
                        MultiLabelDataSets.OpenCsv("mine", _folder["set/scenes.csv"], ["cat", "dog"])
                    )
                    .Message
            );
        }
    }

    [TestMethod]
    public void WhatIsNotThere_IsSaid()
    {
        Assert.Contains(
            "no folder 'ImageSets'",
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => MultiLabelDataSets.Open("VOC2007", _folder)).Message
        );
        Assert.Contains("VOC2007, COCO2014", Assert.ThrowsExactly<ArgumentException>(() => MultiLabelDataSets.Open("x", _folder)).Message);
    }

    [TestMethod]
    public void PartOfTheLabels_AndAFewImages()
    {
        var set = new MultiLabelDataSet(
            "x",
            ["a", "b"],
            [.. Enumerable.Range(0, 200).Select(i => new MultiLabelImage($"{i}", [i % 2, 1 - (i % 2)]))],
            [new("t", [1, 0])]
        );
        var partial = set.WithPartialLabels(0.3, seed: 1);
        var known = partial.Train.Sum(i => i.Labels.Count(l => !float.IsNaN(l)));
        Assert.IsTrue(known is > 80 and < 160, $"{known}");
        Assert.AreEqual("1 0", Labels(partial.Test));
        Assert.HasCount(8, set.WithShots(4, seed: 1).Train);
    }

    private static string Labels(IEnumerable<MultiLabelImage> images) => string.Join('|', images.Select(i => string.Join(' ', i.Labels)));

    private void Write(string file, string text)
    {
        var path = _folder[file];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
