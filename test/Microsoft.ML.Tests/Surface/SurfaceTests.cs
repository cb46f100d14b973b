using System.Reflection;

namespace Microsoft.ML.Tests.Surface;

[TestClass]
public class SurfaceTests
{
    [TestMethod]
    [DataRow("Microsoft.ML.DataView")]
    [DataRow("Microsoft.ML.Core")]
    [DataRow("Microsoft.ML.Data")]
    [DataRow("Microsoft.ML.Transforms")]
    [DataRow("Microsoft.ML.ImageAnalytics")]
    public void Every_public_member_exists_in_the_official_assembly_with_the_same_signature(string name)
    {
        Dictionary<string, string> official = ApiSurface.ReadList(name);
        var wrong = new List<string>();
        foreach ((string id, string signature) in ApiSurface.Members(Assembly.Load(name)))
        {
            if (!official.TryGetValue(id, out string? expected))
                wrong.Add($"{id}: not in the official assembly");
            else if (signature.Length > 0 && Plain(expected) != Plain(signature))
                wrong.Add($"{id}:{Environment.NewLine}    is       {signature}{Environment.NewLine}    official {expected}");
        }
        Assert.IsEmpty(wrong, string.Join(Environment.NewLine, wrong));
    }

    [TestMethod]
    public void DataView_assembly_is_complete()
    {
        var ours = ApiSurface.Members(Assembly.Load("Microsoft.ML.DataView")).Select(member => member.Id).ToHashSet();
        string[] missing = [.. ApiSurface.ReadList("Microsoft.ML.DataView").Keys.Where(id => !ours.Contains(id))];
        Assert.IsEmpty(missing, string.Join(Environment.NewLine, missing));
    }

    [TestMethod]
    public void Assemblies_have_the_official_names()
    {
        Assert.AreEqual("Microsoft.ML.Data", typeof(MLContext).Assembly.GetName().Name);
        Assert.AreEqual("Microsoft.ML.Core", typeof(ITransformer).Assembly.GetName().Name);
        Assert.AreEqual("Microsoft.ML.DataView", typeof(IDataView).Assembly.GetName().Name);
        Assert.AreEqual("Microsoft.ML.Transforms", typeof(CustomMappingCatalog).Assembly.GetName().Name);
    }

    /// <summary>Attributes after the signature do not count.</summary>
    private static string Plain(string signature)
    {
        int attribute = signature.IndexOf(" [Obsolete", StringComparison.Ordinal);
        return attribute < 0 ? signature : signature[..attribute];
    }
}
