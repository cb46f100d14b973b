using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp.Tests;

[TestClass]
public class ContainerTests
{
    [TestMethod]
    public void An_ordered_dictionary_keeps_the_order_of_its_keys()
    {
        var dict = new OrderedDict<string, int> { ("b", 1), ("a", 2) };
        dict.Insert(1, ("c", 3));
        dict["b"] = 5;
        CollectionAssert.AreEqual(new[] { ("b", 5), ("c", 3), ("a", 2) }, dict.ToArray<(string, int)>());
        dict[0] = ("z", 9);
        Assert.AreEqual(("z", 9), dict[0]);
        Assert.ThrowsExactly<ArgumentException>(() => dict[0] = ("a", 1));
        Assert.ThrowsExactly<ArgumentException>(() => dict.Add("a", 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => dict.Insert(4, ("q", 1)));
        Assert.AreEqual(2, dict.IndexOf(("a", 2)));
        Assert.AreEqual(-1, dict.IndexOf(("a", 3)));
        Assert.IsTrue(dict.Remove("c"));
        Assert.IsFalse(dict.Remove("c"));
        CollectionAssert.AreEqual(new[] { "z", "a" }, dict.Keys.ToArray());
    }

    [TestMethod]
    public void Parameters_of_a_dictionary_are_the_modules_own()
    {
        using var scope = NewDisposeScope();
        using var dict = nn.ParameterDict(("scale", new Parameter(ones(2))), ("shift", new Parameter(zeros(2))));
        CollectionAssert.AreEqual(new[] { "scale", "shift" }, dict.named_parameters().Select(p => p.name).ToArray());
        dict["shift"] = new Parameter(full(2, 7f));
        Assert.AreEqual(7, dict.get_parameter("shift")[0].ToSingle());
        dict.Remove("scale");
        CollectionAssert.AreEqual(new[] { "shift" }, dict.state_dict().Keys.ToArray());
        dict[0] = ("other", new Parameter(zeros(1)));
        CollectionAssert.AreEqual(new[] { "other" }, dict.state_dict().Keys.ToArray());
        dict.clear();
        Assert.IsEmpty(dict.parameters().ToArray());
    }

    [TestMethod]
    public void Modules_of_a_dictionary_are_named_by_their_keys()
    {
        using var dict = nn.ModuleDict(("first", nn.Linear(2, 3)), ("second", (nn.Module)nn.Identity()));
        CollectionAssert.AreEqual(new[] { "first.weight", "first.bias" }, dict.state_dict().Keys.ToArray());
        dict.eval();
        Assert.IsFalse(dict["second"].training);
        dict.Insert(0, ("zeroth", nn.Linear(1, 1, hasBias: false)));
        CollectionAssert.AreEqual(new[] { "zeroth", "first", "second" }, dict.keys().ToArray());
        Assert.IsTrue(dict.Remove("first"));
        CollectionAssert.AreEqual(new[] { "zeroth.weight" }, dict.state_dict().Keys.ToArray());
    }
}
