namespace TorchSharp.Tests;

[TestClass]
public class HookTests
{
    [TestMethod]
    public void Hooks_see_and_change_inputs_and_results_until_they_are_removed()
    {
        using var scope = NewDisposeScope();
        using var module = nn.Identity();
        var order = new List<string>();
        module.register_forward_pre_hook((Action<nn.Module>)(_ => order.Add("before")));
        var pre = module.register_forward_pre_hook((_, x) =>
        {
            order.Add("pre");
            return x + 1;
        });
        module.register_forward_hook((_, _, _) =>
        {
            order.Add("see");
            return null;
        });
        var post = module.register_forward_hook((_, _, y) =>
        {
            order.Add("post");
            return y * 10;
        });
        module.register_forward_hook((Action<nn.Module>)(_ => order.Add("after")));

        Assert.AreEqual(30, module.call(tensor(2.0)).ToDouble());
        CollectionAssert.AreEqual(new[] { "before", "pre", "see", "post", "after" }, order);
        Assert.AreEqual(2, module.forward(tensor(2.0)).ToDouble(), "forward itself runs no hooks");

        pre.remove();
        Assert.AreEqual(20, module.call(tensor(2.0)).ToDouble());
        post.remove();
        post.remove();
        Assert.AreEqual(2, module.call(tensor(2.0)).ToDouble());
    }

    [TestMethod]
    public void A_module_of_two_inputs_takes_both_from_its_hook()
    {
        using var scope = NewDisposeScope();
        using var module = nn.CosineSimilarity(0);
        module.register_forward_pre_hook((_, a, b) => (a, -b));
        Assert.AreEqual(-1, module.call(ones(3), ones(3)).ToSingle(), 1e-6);
    }
}
