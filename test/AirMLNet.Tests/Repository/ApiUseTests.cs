using System.CodeDom.Compiler;
using System.Reflection;
using System.Text.RegularExpressions;
using AirMLNet.Clip;
using AirMLNet.Extensions.AI;
using AirMLNet.Features;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace AirMLNet.Tests.Repository;

/// <summary>What is public is shown somewhere, and what is shown compiles.</summary>
[TestClass]
public sealed partial class ApiUseTests
{
    private static readonly Assembly[] Assemblies =
    [
        typeof(ClipModel).Assembly,
        typeof(ClipFeatureEstimator).Assembly,
        typeof(ClipTextEmbeddingGenerator).Assembly,
        typeof(Microsoft.ML.ArrowCatalog).Assembly,
        typeof(Cluster.AirCluster).Assembly,
    ];

    // What fragments speak of without having made it.
    private static readonly (string Name, string Declaration)[] Given =
    [
        ("ml", "var ml = new MLContext(seed: 1);"),
        ("clip", "string clip = null;"),
        ("classes", "string[] classes = null;"),
        ("photos", "IDataView photos = null;"),
        ("images", "IDataView images = null;"),
        ("synthesis", "DiffusionSynthesisOptions synthesis = null;"),
        ("chat", "IChatClient chat = null;"),
        ("cluster", "AirCluster cluster = null;"),
    ];

    public static IEnumerable<object[]> Fragments() =>
        ReadmeTests
            .Pages()
            .SelectMany(page =>
                Fragment()
                    .Matches(File.ReadAllText(page))
                    .Select((match, number) => new object[] { Path.GetFileName(page), number, match.Groups[1].Value })
            );

    [TestMethod]
    [DynamicData(nameof(Fragments))]
    public void EveryFragment_Compiles(string page, int number, string code)
    {
        var given = Given.Where(g => Word(g.Name).IsMatch(code) && !Regex.IsMatch(code, $@"\w\]? {g.Name} = "));
        var whole =
            string.Join('\n', given.Select(g => g.Declaration))
            + '\n'
            + code.Replace("using var ", "var ", StringComparison.Ordinal).Replace("using Clip", "Clip", StringComparison.Ordinal);
        var options = ScriptOptions
            .Default.AddReferences(Assemblies)
            .AddReferences(
                typeof(Microsoft.ML.MLContext).Assembly,
                typeof(Microsoft.ML.IDataView).Assembly,
                typeof(Microsoft.ML.ITransformer).Assembly,
                typeof(Microsoft.Extensions.AI.IChatClient).Assembly,
                typeof(TorchSharp.torch).Assembly
            )
            .AddImports("System", "System.IO", "System.Linq", "System.Collections.Generic", "System.Threading", "System.Threading.Tasks")
            .AddImports("Microsoft.ML", "Microsoft.ML.Data", "Microsoft.Extensions.AI", "TorchSharp", "TorchSharp.torch")
            .AddImports(Types().Select(t => t.Namespace!).Where(n => n.StartsWith("AirMLNet", StringComparison.Ordinal)).Distinct());
        var errors = CSharpScript
            .Create(whole, options)
            .Compile()
            .Where(d => d.Severity == DiagnosticSeverity.Error && d.Id != "MEAI001")
            .Select(d => d.ToString());
        Assert.AreEqual("", string.Join('\n', errors), $"{page}, fragment {number}");
    }

    /// <summary>
    /// By its name, or, where a program need not say it, by that of a member that has or gives it, of one of its own extension methods, or
    /// of what derives from it.
    /// </summary>
    [TestMethod]
    public void EveryPublicType_IsUsedInAPageASampleOrANotebook()
    {
        var text = string.Concat(Shown().Select(File.ReadAllText));
        var types = Types().ToList();
        var members = types
            .SelectMany(t => t.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(m => (m.Name, Type: TypeOf(m)))
            .Where(m => m.Type is not null && m.Name is not ("Fit" or "Load" or "Dispose" or "Transform"))
            .ToLookup(m => m.Name, m => m.Type!);
        var seen = members.Where(m => Word(m.Key).IsMatch(text)).SelectMany(m => m).SelectMany(Parts).ToHashSet();
        seen.UnionWith(types.Where(t => Word(Plain(t)).IsMatch(text)));
        seen.UnionWith(
            types.Where(t =>
                t.IsAbstract && t.IsSealed && t.GetMethods().Any(m => text.Contains($".{m.Name}(", StringComparison.Ordinal) && m.IsStatic)
            )
        );
        // An estimator that is made by a method that is shown, its transformer, and their bases.
        for (var before = -1; before != seen.Count; )
        {
            before = seen.Count;
            seen.UnionWith(seen.ToList().Where(t => t.BaseType is not null).SelectMany(t => Parts(t.BaseType!)));
        }

        var missing = types.Where(t => !seen.Contains(t)).Select(t => t.FullName!).Order(StringComparer.Ordinal);
        Assert.AreEqual("", string.Join('\n', missing));
    }

    private static IEnumerable<Type> Types() =>
        Assemblies.SelectMany(a => a.GetExportedTypes()).Where(t => !t.IsNested && !t.IsDefined(typeof(GeneratedCodeAttribute)));

    private static IEnumerable<string> Shown() =>
        ReadmeTests
            .Pages()
            .Concat(SourceTree.CSharpFiles("samples").Select(file => Path.Combine(SourceTree.Root, file)))
            .Concat(Directory.GetFiles(Path.Combine(SourceTree.Root, "notebooks"), "*.ipynb"));

    private static Type? TypeOf(MemberInfo member) =>
        member switch
        {
            PropertyInfo property => property.PropertyType,
            MethodInfo method => method.ReturnType,
            _ => null,
        };

    /// <summary>A type, and what it is made of: elements, arguments.</summary>
    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Prepend(type.GetGenericTypeDefinition())
        : [type];

    private static string Plain(Type type) => type.Name.Split('`')[0];

    private static Regex Word(string name) => new($@"\b{Regex.Escape(name)}\b");

    [GeneratedRegex("```cs\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fragment();
}
