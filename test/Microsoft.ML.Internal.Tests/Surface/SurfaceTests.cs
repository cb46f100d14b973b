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

    /// <summary>
    /// There is no list of this assembly: its members were compared one by one with the published reference of
    /// Microsoft.ML 5.0.0, and this list holds what was found right. A new member fails until it is compared and added.
    /// </summary>
    [TestMethod]
    public void Public_members_of_the_trainers_are_those_that_were_compared()
    {
        const string Trainer = "Microsoft.ML.Trainers.LbfgsMaximumEntropyMulticlassTrainer";
        const string Base = "Microsoft.ML.Trainers.LbfgsTrainerBase`3";
        const string Linear = "Microsoft.ML.Trainers.LinearMulticlassModelParametersBase";
        string[] compared =
        [
            "T:Microsoft.ML.StandardTrainersCatalog",
            "M:Microsoft.ML.StandardTrainersCatalog.LbfgsMaximumEntropy(Microsoft.ML.MulticlassClassificationCatalog.MulticlassClassificationTrainers,string,string,string,float,float,float,int,bool)",
            $"M:Microsoft.ML.StandardTrainersCatalog.LbfgsMaximumEntropy(Microsoft.ML.MulticlassClassificationCatalog.MulticlassClassificationTrainers,{Trainer}.Options)",
            $"T:{Trainer}", $"T:{Trainer}+Options", $"M:{Trainer}+Options..ctor()",
            $"M:{Trainer}.Fit(Microsoft.ML.IDataView,Microsoft.ML.Trainers.MaximumEntropyModelParameters)",
            $"T:{Base}", $"M:{Base}.Info", $"T:{Base}+OptionsBase",
            $"M:{Base}+OptionsBase.L2Regularization", $"M:{Base}+OptionsBase.L1Regularization", $"M:{Base}+OptionsBase.OptimizationTolerance",
            $"M:{Base}+OptionsBase.HistorySize", $"M:{Base}+OptionsBase.MaximumNumberOfIterations", $"M:{Base}+OptionsBase.Quiet",
            $"M:{Base}+OptionsBase.InitialWeightsDiameter", $"M:{Base}+OptionsBase.NumberOfThreads", $"M:{Base}+OptionsBase.EnforceNonNegativity",
            $"T:{Linear}", $"M:{Linear}.GetBiases()", $"M:{Linear}.GetWeights(ref Microsoft.ML.Data.VBuffer<float>[],ref int)",
            "T:Microsoft.ML.Trainers.MaximumEntropyModelParameters",
        ];
        string[] actual = [.. ApiSurface.Members(Assembly.Load("Microsoft.ML.StandardTrainers")).Select(member => member.Id).Order(StringComparer.Ordinal)];
        Assert.AreEqual(string.Join("\n", compared.Order(StringComparer.Ordinal)), string.Join("\n", actual));
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
