using AirMLNet.Publicizer;
using Mono.Cecil;

namespace AirMLNet.BuildTools.Tests;

[TestClass]
public sealed class ReferenceCopyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Original => Path.Combine(AppContext.BaseDirectory, "Microsoft.ML.Core.dll");

    [TestMethod]
    public void Every_type_and_member_that_can_be_is_public()
    {
        var copy = Path.Combine(_folder, "Microsoft.ML.Core.dll");
        ReferenceCopy.Write(Original, copy);
        using var module = ModuleDefinition.ReadModule(copy);
        TypeDefinition[] types = [.. module.GetTypes().Where(type => type.Name != "<Module>")];
        Assert.IsTrue(Array.TrueForAll(types, type => type.IsPublic || type.IsNestedPublic));
        var context = types.Single(type => type.Name == "ModelSaveContext");
        Assert.IsTrue(context.Methods.Single(method => method.Name == "SetVersionInfo").IsPublic);
        Assert.IsTrue(context.Fields.Single(field => field.Name == "Writer").IsPublic);
        Assert.IsFalse(module.Assembly.CustomAttributes.Any(attribute => attribute.AttributeType.Name == "InternalsVisibleToAttribute"));
        Assert.AreEqual("Microsoft.ML.Core", module.Assembly.Name.Name);
    }

    [TestMethod]
    public void Explicit_implementations_and_fields_behind_events_stay_private()
    {
        var copy = Path.Combine(_folder, "Microsoft.ML.Data.dll");
        ReferenceCopy.Write(Path.Combine(AppContext.BaseDirectory, "Microsoft.ML.Data.dll"), copy);
        using var module = ModuleDefinition.ReadModule(copy);
        var context = module.GetType("Microsoft.ML.MLContext");
        Assert.IsTrue(context.Fields.Single(field => field.Name == "Log").IsPrivate);
        Assert.IsTrue(context.Methods.Where(method => method.HasOverrides).All(method => method.IsPrivate));
    }

    [TestMethod]
    public void Copies_have_no_code()
    {
        var copy = Path.Combine(_folder, "Microsoft.ML.Core.dll");
        ReferenceCopy.Write(Original, copy);
        using var module = ModuleDefinition.ReadModule(copy);
        Assert.IsTrue(
            module
                .GetTypes()
                .SelectMany(type => type.Methods)
                .Where(method => method.HasBody)
                .All(method => method.Body.Instructions.Count == 2)
        );
    }

    [TestMethod]
    public void What_is_no_assembly_is_refused_and_nothing_is_left()
    {
        var text = Path.Combine(_folder, "text.dll");
        File.WriteAllText(text, "no assembly");
        Assert.ThrowsExactly<BadImageFormatException>(() => ReferenceCopy.Write(text, Path.Combine(_folder, "copy.dll")));
        Assert.HasCount(1, Directory.GetFiles(_folder));
    }
}
