using AirMLNet.Data;

namespace AirMLNet.Tests.Data;

[TestClass]
public sealed class ClassNamesTests
{
    private readonly string _file = Path.GetTempFileName();

    [TestCleanup]
    public void Remove() => File.Delete(_file);

    private IReadOnlyList<string> Load(string text)
    {
        File.WriteAllText(_file, text);
        return ClassNames.Load(_file);
    }

    [TestMethod]
    [DataRow("cat\ndog\n")]
    [DataRow("cat\r\ndog\r\n\r\n")]
    [DataRow("\uFEFFcat  \n\tdog")]
    [DataRow("cat\rdog\r")]
    public void One_name_a_line_whatever_the_line_ends(string text) =>
        CollectionAssert.AreEqual(new[] { "cat", "dog" }, Load(text).ToArray());

    [TestMethod]
    [DataRow("", "no class names; at least two")]
    [DataRow("cat\n", "1 class name; at least two")]
    [DataRow("cat\n\ndog", "line 2 is empty")]
    [DataRow("cat\n\u200B\ndog", "line 2 is empty")]
    [DataRow("cat\ndog\nCat", "line 3: the class 'Cat' is already line 1")]
    public void A_list_that_breaks_a_rule_is_refused_with_its_line(string text, string expected)
    {
        var message = Assert.ThrowsExactly<InvalidDataException>(() => Load(text)).Message;
        Assert.Contains(expected, message);
        Assert.Contains(_file, message);
    }

    /// <summary>All of it became the class's name, and stood in the prompt.</summary>
    [TestMethod]
    [DataRow("1. cat\n2. dog\n", "numbered names")]
    [DataRow("0: cat\n1: dog\n", "numbered names")]
    [DataRow("\"cat\"\n\"dog\"\n", "names in quotation marks")]
    [DataRow("cat,\ndog,\nship\n", "names with a comma after each")]
    [DataRow("- cat\n- dog\n", "a list with a mark before each name")]
    [DataRow("[\n\"cat\",\n\"dog\"\n]\n", "JSON")]
    [DataRow("cat\n# and others\ndog\n", "line 2 is '# and others'; comments are no names")]
    [DataRow("0\tcat\n1\tdog\n", "line 1 holds the character U+0009")]
    [DataRow("cat\nca\u200Bt\n", "line 2 holds the character U+200B")]
    [DataRow("cat\ndog\u2028ship\n", "line 2 holds the character U+2028")]
    public void What_is_more_than_names_is_refused(string text, string expected) =>
        Assert.Contains(expected, Assert.ThrowsExactly<InvalidDataException>(() => Load(text)).Message);

    [TestMethod]
    [DataRow("0 - zero\n1 - one\n")] // as torchvision calls the classes of MNIST
    [DataRow("0\n1\n2\n")]
    [DataRow("3. Liga\n2. Liga\n")]
    [DataRow("\"cat\"\ndog\n")]
    [DataRow("#selfie\n=1+1\n")]
    [DataRow("Washington, D.C.\nParis\n")]
    public void Odd_names_are_names(string text) => CollectionAssert.AreEqual(text.TrimEnd().Split('\n'), Load(text).ToArray());

    [TestMethod]
    public void A_missing_file_is_named()
    {
        var missing = _file + ".missing";
        Assert.Contains(missing, Assert.ThrowsExactly<FileNotFoundException>(() => ClassNames.Load(missing)).Message);
    }

    [TestMethod]
    public void A_folder_is_said_to_be_one()
    {
        var folder = Path.GetDirectoryName(_file)!;
        Assert.Contains($"{folder} is a folder", Assert.ThrowsExactly<FileNotFoundException>(() => ClassNames.Load(folder)).Message);
    }

    [TestMethod]
    public void A_list_in_memory_is_checked_with_its_source()
    {
        ClassNames.Check(["cat", "dog"], "ClassNames");
        Assert.Contains(
            "ClassNames: name 2: the class 'CAT'",
            Assert.ThrowsExactly<ArgumentException>(() => ClassNames.Check(["cat", "CAT"], "ClassNames")).Message
        );
    }
}
