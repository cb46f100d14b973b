using AirMLNet.Data;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Data.Sets;

/// <summary>Readers on small folders that the tests lay out in the published formats.</summary>
[TestClass]
public sealed class DataSetsTests
{
    private readonly TemporaryFolder _root = new();

    [TestCleanup]
    public void CleanUp() => _root.Dispose();

    [TestMethod]
    [DataRow("Flowers102", "oxford_flowers", "jpg", "split_zhou_OxfordFlowers.json")]
    [DataRow("EuroSAT", "eurosat", "2750", "split_zhou_EuroSAT.json")]
    [DataRow("DTD", "dtd", "images", "split_zhou_DescribableTextures.json")]
    [DataRow("OxfordPets", "oxford_pets", "images", "split_zhou_OxfordPets.json")]
    [DataRow("StanfordCars", "stanford_cars", "", "split_zhou_StanfordCars.json")]
    [DataRow("Food101", "food-101", "images", "split_zhou_Food101.json")]
    [DataRow("SUN397", "sun397", "SUN397", "split_zhou_SUN397.json")]
    [DataRow("UCF101", "ucf101", "UCF-101-midframes", "split_zhou_UCF101.json")]
    [DataRow("Caltech101", "caltech-101", "101_ObjectCategories", "split_zhou_Caltech101.json")]
    public void CoOpSplits_AreRead(string name, string folder, string images, string split)
    {
        var home = images.Length == 0 ? folder : $"{folder}/{images}";
        Image($"{home}/a/1.jpg", $"{home}/a/2.jpg", $"{home}/b c/3.jpg", $"{home}/b c/4.jpg");
        Write(
            $"{folder}/{split}",
            """{"train":[["b c/3.jpg",1,"snap_dragon"],["a/1.jpg",0,"fire lily"]],"val":[["a/2.jpg",0,"fire lily"]],"test":[["b c/4.jpg",1,"snap_dragon"]]}"""
        );
        foreach (var place in new[] { _root, Path.Combine(_root, folder) })
        {
            var set = DataSets.Open(name, place);
            CollectionAssert.AreEqual(new[] { "fire lily", "snap dragon" }, set.ClassNames.ToArray());
            Same([("b c/3.jpg", 1), ("a/1.jpg", 0), ("a/2.jpg", 0)], set.Train, home);
            Same([("b c/4.jpg", 1)], set.Test, home);
            Assert.HasCount(2, DataSets.Open(name, place, new() { ValidationInPool = false }).Train);
        }
    }

    [TestMethod]
    public void ASetOfOneLayoutOnly_SaysWhatItLookedFor()
    {
        var e = Assert.ThrowsExactly<DirectoryNotFoundException>(() => DataSets.Open("SUN397", _root));
        Assert.Contains("expected split_zhou_SUN397.json (CoOp's layout), there or in 'sun397'", e.Message);
        Assert.IsFalse(DataSets.IsThere("Food101", _root));
    }

    [TestMethod]
    public void PathsThatBeginWithASlash_AsInSuns_AreOfTheFolder()
    {
        Image("sun397/SUN397/a/abbey/1.jpg", "sun397/SUN397/b/bar/2.jpg");
        Write("sun397/split_zhou_SUN397.json", """{"train":[["/a/abbey/1.jpg",0,"abbey"]],"val":[],"test":[["/b/bar/2.jpg",1,"bar"]]}""");
        Same([("a/abbey/1.jpg", 0)], DataSets.Open("SUN397", _root).Train, "sun397/SUN397");
    }

    [TestMethod]
    public void CoOpAircraft_HasNamesWithSpaces()
    {
        Image("fgvc_aircraft/images/0001.jpg", "fgvc_aircraft/images/0002.jpg", "fgvc_aircraft/images/0003.jpg");
        Write("fgvc_aircraft/variants.txt", "Boeing 737-200\nCessna 172\n");
        Write("fgvc_aircraft/images_variant_train.txt", "0001 Boeing 737-200\n");
        Write("fgvc_aircraft/images_variant_val.txt", "0002 Cessna 172\r\n");
        Write("fgvc_aircraft/images_variant_test.txt", "0003 Cessna 172\n");
        var set = DataSets.Open("fgvcaircraft", _root);
        CollectionAssert.AreEqual(new[] { "Boeing 737-200", "Cessna 172" }, set.ClassNames.ToArray());
        Same([("0001.jpg", 0), ("0002.jpg", 1)], set.Train, "fgvc_aircraft/images");
        Write("fgvc_aircraft/images_variant_test.txt", "0003 Cessna 208\n");
        Fails(() => DataSets.Open("FGVCAircraft", _root), "images_variant_test.txt: line 1: 'Cessna 208' is not in");
    }

    [TestMethod]
    public void GripLists_HavePathsAfterTheAtSign_AndTheLabelAsLastField()
    {
        Image("FGVCAircraft/Boeing 737-200/1.jpg", "FGVCAircraft/Cessna 172/2.jpg", "FGVCAircraft/test/Cessna 172/3.jpg");
        Write("FGVCAircraft/labels.txt", "Boeing_737-200\nCessna 172\n");
        Write("FGVCAircraft/train.txt", "fgvc_train.zip@Boeing 737-200/1.jpg 0\n\n");
        Write("FGVCAircraft/val.txt", "fgvc_train.zip@Boeing 737-200/1.jpg 0\nfgvc_val.zip@Cessna 172/2.jpg 1\n");
        Write("FGVCAircraft/test.txt", "fgvc_test.zip@Cessna 172/3.jpg\t1\n");
        var set = DataSets.Open("FGVCAircraft", _root);
        CollectionAssert.AreEqual(new[] { "Boeing 737-200", "Cessna 172" }, set.ClassNames.ToArray());
        Same([("Boeing 737-200/1.jpg", 0), ("Cessna 172/2.jpg", 1)], set.Train, "FGVCAircraft"); // listed twice, taken once
        Same([("test/Cessna 172/3.jpg", 1)], set.Test, "FGVCAircraft");

        Write("FGVCAircraft/train.txt", "fgvc_train.zip@Boeing 737-200/1.jpg 0\nfgvc_train.zip@Boeing 737-200/1.jpg two\n");
        Fails(() => DataSets.Open("FGVCAircraft", _root), "train.txt: line 2", "as the last field, a label 0..1");
        Write("FGVCAircraft/train.txt", "x@nowhere/9.jpg 0\n");
        Fails(() => DataSets.Open("FGVCAircraft", _root), "train.txt: line 1 names nowhere/9.jpg");
    }

    [TestMethod]
    [DataRow("Flowers102")]
    [DataRow("DTD")]
    public void GripLists_OfOtherSets_AreReadFromTheirOwnFolderToo(string name)
    {
        Image("set/images/1.jpg", "set/images/2@x.jpg", "set/images/3.jpg");
        Write("set/class_names.txt", "banded\nblotchy");
        Write("set/train.txt", "1.jpg 0\na.zip@2@x.jpg 1");
        Write("set/test.txt", "3.jpg 1");
        Same([("1.jpg", 0), ("2@x.jpg", 1)], DataSets.Open(name, Path.Combine(_root, "set")).Train, "set/images");
    }

    [TestMethod]
    [DataRow("RESICS45")]
    [DataRow("RESISC45")]
    public void Resisc_IsReadInCocosForm_WithClassesFromFolders(string spelling)
    {
        Image($"{spelling}/train/baseball_diamond/1.jpg", $"{spelling}/train/airport/2.jpg", $"{spelling}/test/odd/3.jpg");
        string Json(string images, string annotations) =>
            $$"""
                {"categories":[{"id":1,"name":"baseball_diamond"},{"id":2,"name":"airport"}],"images":[{{images}}],"annotations":[{{annotations}}]}
                """;
        Write($"{spelling}/train.json", Json("""{"id":7,"file_name":"baseball_diamond/1.jpg"},{"id":8,"file_name":"airport/2.jpg"}""", ""));
        Write($"{spelling}/test.json", Json("""{"id":9,"file_name":"odd/3.jpg"}""", """{"image_id":9,"category_id":2}"""));
        var set = DataSets.Open("resisc45", _root);
        // the list's order, not the alphabet's
        CollectionAssert.AreEqual(new[] { "baseball diamond", "airport" }, set.ClassNames.ToArray());
        Same([("baseball_diamond/1.jpg", 0), ("airport/2.jpg", 1)], set.Train, $"{spelling}/train");
        Same([("odd/3.jpg", 1)], set.Test, $"{spelling}/test");
        Write($"{spelling}/test.json", Json("""{"id":9,"file_name":"odd/3.jpg"}""", ""));
        Fails(() => DataSets.Open("RESISC45", _root), "test.json", "'odd' is none of the categories");
        Write($"{spelling}/test.json", "{}");
        Fails(() => DataSets.Open("RESISC45", _root), "test.json: the whole is {}; expected an object with \"categories\"");
        Write($"{spelling}/test.json", Json("""{"id":9,"file_name":"odd/3.jpg"}""", """{"image_id":9,"category_id":3}"""));
        Fails(() => DataSets.Open("RESISC45", _root), "annotations[0].category_id is 3; expected the number of a category");
    }

    [TestMethod]
    public void Resisc_HasTheArchiveBeforeThePath()
    {
        PublishedSets.Resisc(Path.Combine(_root, "RESICS45"), train: 2, test: 1);
        var set = DataSets.Open("RESISC45", _root);
        Assert.Contains("train.zip@airplane/airplane_001.jpg", File.ReadAllText(Path.Combine(_root, "RESICS45/train.json")));
        CollectionAssert.AreEqual(new[] { "airplane", "baseball diamond", "beach", "thermal power" }, set.ClassNames.ToArray());
        Assert.HasCount(12, set.Train);
        Assert.AreEqual(new(Path.Combine(_root, "RESICS45/airplane/airplane_001.jpg"), 0), set.Train[0]);
        Assert.AreEqual(3, set.Test[3].Class);
    }

    [TestMethod]
    public void EuroSatsTestList_NamesFilesByTheirClass()
    {
        Image("EuroSAT/AnnualCrop/AnnualCrop_1.jpg", "EuroSAT/AnnualCrop/AnnualCrop_2.jpg", "EuroSAT/Forest/Forest_7.jpg");
        Write("EuroSAT/class_names.txt", "annual crop land\nforest\n");
        Write("EuroSAT/test.txt", "eurosat.zip@2750/test/AnnualCrop_2.jpg 0\n");
        Same([("AnnualCrop/AnnualCrop_2.jpg", 0)], DataSets.Open("EuroSAT", _root).Test, "EuroSAT");
    }

    [TestMethod]
    public void WhetherASetIsThere_IsKnownWithoutReadingIt()
    {
        Write("DTD/test.txt", "not a list");
        Write("DTD/labels.txt", "");
        Assert.IsTrue(DataSets.IsThere("DTD", _root));
        Assert.IsFalse(DataSets.IsThere("Flowers102", _root));
        Assert.IsFalse(DataSets.IsThere("RESISC45", Path.Combine(_root, "nowhere")));
    }

    [TestMethod]
    public void EuroSatsPool_LeavesOutTestImages_UnlessThePapersIsAskedFor()
    {
        Image(
            "EuroSAT/AnnualCrop/AnnualCrop_1.jpg",
            "EuroSAT/AnnualCrop/AnnualCrop_2.jpg",
            "EuroSAT/Forest/Forest_1.jpg",
            "EuroSAT/River/River_1.jpg"
        );
        File.WriteAllText(Path.Combine(_root, "EuroSAT/Forest/notes.txt"), "no image");
        Write("EuroSAT/class_names.txt", "annual crop land\nforest\nriver\n");
        Write("EuroSAT/test.txt", "eurosat.zip@AnnualCrop/AnnualCrop_2.jpg 0\n");
        Same(
            [("AnnualCrop/AnnualCrop_1.jpg", 0), ("Forest/Forest_1.jpg", 1), ("River/River_1.jpg", 2)],
            DataSets.Open("EuroSAT", _root).Train,
            "EuroSAT"
        );
        var paper = DataSets.Open("EuroSAT", _root, new() { Pool = TrainingPool.Paper });
        Same(
            [("AnnualCrop/AnnualCrop_1.jpg", 0), ("AnnualCrop/AnnualCrop_2.jpg", 0), ("Forest/Forest_1.jpg", 1), ("River/River_1.jpg", 2)],
            paper.Train,
            "EuroSAT"
        );
        Write("EuroSAT/test.txt", "AnnualCrop/AnnualCrop_1.jpg 0\nAnnualCrop/AnnualCrop_2.jpg 1\n");
        Fails(() => DataSets.Open("EuroSAT", _root), "AnnualCrop_2.jpg has label 1, but other images of its folder have 0");
    }

    [TestMethod]
    public void BadSplits_AreNamed()
    {
        Image("dtd/images/a/1.jpg");
        void Split(string json) => Write("dtd/split_zhou_DescribableTextures.json", json);
        Split("""{"train":[["a/1.jpg",0,"x"]],"val":[],"test":[["a/2.jpg",0,"x"]]}""");
        Fails(() => DataSets.Open("DTD", _root), "test[0] names", "does not exist");
        Split("""{"train":[["a/1.jpg",0,"x"]],"val":[],"test":[["a/1.jpg",0,"y"]]}""");
        Fails(() => DataSets.Open("DTD", _root), "test[0] calls label 0 'y'; it was 'x' before");
        Split("""{"train":[["a/1.jpg",0,"x"]],"val":[],"test":[["a/1.jpg",2,"y"]]}""");
        Fails(() => DataSets.Open("DTD", _root), "no image has label 1");
        Split("""{"train":[["a/1.jpg",0,"x"]],"val":[],"test":[["a/1.jpg",1,"X"]]}"""); // two classes of one name
        Fails(() => DataSets.Open("DTD", _root), "the class 'X' is already name 1");
        Split("""{"train":[]}""");
        Fails(() => DataSets.Open("DTD", _root), "the whole is", "expected an object with \"val\"");
        // The place was not named.
        Split("""{"train":[["a/1.jpg",0,"x"],["a/1.jpg","0","x"]],"val":[],"test":[]}""");
        Fails(() => DataSets.Open("DTD", _root), "train[1][1] is \"0\"; expected a whole number");
        Split("""{"train":[["a/1.jpg",0,5]],"val":[],"test":[]}""");
        Fails(() => DataSets.Open("DTD", _root), "train[0][2] is 5; expected a text");
        Split("""{"train":[["a/1.jpg"]],"val":[],"test":[]}""");
        Fails(() => DataSets.Open("DTD", _root), "train[0] is [\"a/1.jpg\"]; expected a list of more than 1 values");
        var missing = Assert.ThrowsExactly<DirectoryNotFoundException>(() => DataSets.Open("Flowers102", _root));
        Assert.Contains("split_zhou_OxfordFlowers.json (CoOp's layout)", missing.Message);
        Assert.Contains("RESISC45, FGVCAircraft", Assert.Throws<ArgumentException>(() => DataSets.Open("flowers", _root)).Message);
    }

    [TestMethod]
    public void Folders_GiveClassesByTheirNames_AndUnlabelledImagesBesideThem()
    {
        Image("own/pool/1.png", "own/pool/big_cat/2.png", "own/test/big_cat/3.png", "own/test/dog/4.png");
        var set = GenericDataSets.FromFolders(Path.Combine(_root, "own"));
        Assert.AreEqual("own", set.Name);
        CollectionAssert.AreEqual(new[] { "big cat", "dog" }, set.ClassNames.ToArray());
        Same([("pool/1.png", -1), ("pool/big_cat/2.png", 0)], set.Train, "own");
        Write("own/classes.txt", "dog\nBig Cat\n");
        Same([("pool/1.png", -1), ("pool/big_cat/2.png", 1)], GenericDataSets.FromFolders(Path.Combine(_root, "own")).Train, "own");
        Write("own/classes.txt", "dog\nmouse\n");
        Fails(() => GenericDataSets.FromFolders(Path.Combine(_root, "own")), "its folder 'big_cat' is none of the classes: dog, mouse");
    }

    /// <summary>Hidden folders became classes, and so did one name in two spellings.</summary>
    [TestMethod]
    public void Folders_ThatAreNoClasses_AreNone()
    {
        Image("own/train/Cat/1.png", "own/train/dog/2.png", "own/train/.ipynb_checkpoints/2.png", "own/test/cat/3.png");
        Image("own/test/dog/4.png", "own/test/__MACOSX/cat/3.png");
        var set = GenericDataSets.FromFolders(Path.Combine(_root, "own"));
        CollectionAssert.AreEqual(new[] { "Cat", "dog" }, set.ClassNames.ToArray());
        Same([("test/cat/3.png", 0), ("test/dog/4.png", 1)], set.Test, "own");
    }

    /// <summary>As spreadsheets write tables where the comma separates decimals.</summary>
    [TestMethod]
    [DataRow("path;label;split\n2.png;\"a;b\";train\n3.png;c;test\n")]
    [DataRow("sep=;\r\npath;label;split\r\n2.png;\"a;b\";train\r\n3.png;c;test\r\n")]
    [DataRow("path\tlabel\tsplit\n2.png\ta;b\ttrain\n3.png\tc\ttest\n")]
    public void Csv_WithOtherSeparators_IsRead(string text)
    {
        Image("c/2.png", "c/3.png");
        Write("c/set.csv", text);
        var set = GenericDataSets.FromCsv(Path.Combine(_root, "c/set.csv"));
        CollectionAssert.AreEqual(new[] { "a;b", "c" }, set.ClassNames.ToArray());
        Same([("2.png", 0)], set.Train, "c");
    }

    [TestMethod]
    public void Csv_IsReadWithQuotesAnyOrderOfColumnsAndUnknownLabels()
    {
        Image("c/a, b.png", "c/2.png", "c/3.png", "c/4.png");
        Write(
            "c/set.csv",
            "\uFEFFsplit,path,comment,label\r\ntrain,\"a, b.png\",\"say "
                + "\"\"hi\"\"\",dog\npool,2.png,,\nval,3.png,,cat\ntest,4.png,,big_cat\n"
        );
        var set = GenericDataSets.FromCsv(Path.Combine(_root, "c/set.csv"));
        CollectionAssert.AreEqual(new[] { "big cat", "cat", "dog" }, set.ClassNames.ToArray());
        Same([("a, b.png", 2), ("2.png", -1), ("3.png", 1)], set.Train, "c");
        Same([("4.png", 0)], set.Test, "c");
        void Bad(string text, params string[] parts)
        {
            Write("c/set.csv", text);
            Fails(() => GenericDataSets.FromCsv(Path.Combine(_root, "c/set.csv")), parts);
        }

        Bad("path,label\n2.png,x", "line 1 was expected to name a column \"split\"");
        Bad("path,label,split,label\n2.png,x,train,y", "line 1 names the column \"label\" twice");
        Bad("", "the file is empty");
        Bad("path,label,split\n2.png,x", "line 2 has 2 fields; expected 3");
        Bad("path,label,split\n2.png,x,tset", "line 2: split 'tset'");
        Bad("path,label,split\n2.png,,test", "line 2: a test image needs a label");
        Bad("path,label,split\n9.png,x,test", "line 2 names", "9.png");
        Bad("path,label,split\n\"2.png,x,test", "line 2: a quoted field does not end");
        Bad("path,label,split\n2.png,x,train\n3.png,y,train", "no test images");
    }

    /// <summary>The parser alone would join the rest of the file line by line: gigabytes for this one of 160 kB.</summary>
    [TestMethod]
    public void AStrayQuote_IsNamed_WithoutReadingTheRestLineByLine()
    {
        var others = string.Concat(Enumerable.Repeat("2.png,\"x, \"\"y\"\"\",train\n", 1000));
        Write("c/set.csv", "path,label,split\n" + others.Replace("2.png", "no.png", StringComparison.Ordinal));
        Fails(() => GenericDataSets.FromCsv(Path.Combine(_root, "c/set.csv")), "line 2 names", "no.png");

        Write("c/set.csv", "path,label,split\n2.png, \"x,train\n" + string.Concat(Enumerable.Repeat("2.png,cat,train\n", 10_000)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fails(() => GenericDataSets.FromCsv(Path.Combine(_root, "c/set.csv")), "line 2: a quoted field does not end where it should");
        Assert.IsLessThan(20L << 20, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>The parser alone takes 285 MB for a row of 840,000 characters, and with four times as many twelve times that.</summary>
    [TestMethod]
    public void ARowWithoutAnEnd_IsNamed_BeforeItIsTakenApart()
    {
        var row = string.Concat(Enumerable.Repeat("2.png,\"x, y\",train", 40_000));
        Write("c/set.csv", $"path,label,split\r\n2.png,cat,train\r\n{row}\r\n");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fails(() => GenericDataSets.FromCsv(Path.Combine(_root, "c/set.csv")), "line 3: a row of more than 100,000 characters");
        Assert.IsLessThan(20L << 20, GC.GetAllocatedBytesForCurrentThread() - before);

        // Rows are as many as they like, also with the line ends of old systems.
        Write("c/set.csv", "path,label,split\r" + string.Concat(Enumerable.Repeat("no.png,cat,train\r", 20_000)));
        Fails(() => GenericDataSets.FromCsv(Path.Combine(_root, "c/set.csv")), "line 2 names", "no.png");
    }

    [TestMethod]
    public void Words_AreKnownForThePublishedSets()
    {
        Assert.AreEqual("Flowers:", DataSets.Description("flowers102"));
        Assert.IsNull(DataSets.Description("cifar10"));
    }

    private void Image(params string[] paths)
    {
        foreach (var path in paths)
        {
            Write(path, "x"); // readers list files; they do not decode them
        }
    }

    private void Write(string path, string text)
    {
        var full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    private void Same((string Path, int Class)[] expected, IReadOnlyList<LabelledImage> found, string folder) =>
        CollectionAssert.AreEqual(
            expected.Select(e => new LabelledImage(Path.Combine(_root, folder, e.Path), e.Class)).ToArray(),
            found.ToArray()
        );

    private static void Fails(Action action, params string[] parts)
    {
        var e = Assert.ThrowsExactly<InvalidDataException>(action);
        foreach (var part in parts)
        {
            Assert.Contains(part, e.Message);
        }
    }
}
