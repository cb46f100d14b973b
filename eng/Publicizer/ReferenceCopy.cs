using Mono.Cecil;
using Mono.Cecil.Cil;

namespace AirMLNet.Publicizer;

/// <summary>
/// Makes a copy of an assembly to compile against in which every type and member is public. The copy is never run: at run
/// time the real assembly is loaded, and the attribute IgnoresAccessChecksTo of the caller lets it in.
/// </summary>
public static class ReferenceCopy
{
    private static readonly string[] _ownAttributes = ["System.Runtime.CompilerServices.InternalsVisibleToAttribute"];

    /// <summary>Writes the copy; the file is there when it is whole, or not at all.</summary>
    /// <exception cref="BadImageFormatException">The input is not a .NET assembly.</exception>
    public static void Write(string source, string target)
    {
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(Path.GetFullPath(source)));
        using var module = ModuleDefinition.ReadModule(source, new ReaderParameters { AssemblyResolver = resolver });
        foreach (var type in module.GetTypes())
        {
            Open(type);
        }
        // Friends of the original would see members twice, once through friendship.
        foreach (var attribute in module.Assembly.CustomAttributes.Where(a => _ownAttributes.Contains(a.AttributeType.FullName)).ToArray())
        {
            module.Assembly.CustomAttributes.Remove(attribute);
        }

        var temporary = $"{target}.{Environment.ProcessId}.tmp";
        try
        {
            module.Write(temporary);
            File.Move(temporary, target, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void Open(TypeDefinition type)
    {
        if (type.IsNested)
        {
            type.IsNestedPublic = true;
        }
        else if (type.Name != "<Module>")
        {
            type.IsPublic = true;
        }
        // The field behind an event has the event's name: opened, every use of the event would be ambiguous.
        var events = type.Events.Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var field in type.Fields)
        {
            if (!field.IsCompilerControlled && !events.Contains(field.Name))
            {
                field.IsPublic = true;
            }
        }
        foreach (var method in type.Methods)
        {
            // An explicit implementation stays one; a member that derived classes outside override must keep its access.
            var isExplicit = method.HasOverrides && method.IsPrivate;
            var isProtected = method.IsVirtual && (method.IsFamily || method.IsFamilyOrAssembly);
            if (!method.IsCompilerControlled && !isExplicit && !isProtected)
            {
                method.IsPublic = true;
            }

            if (method.HasBody)
            {
                Empty(method);
            }
        }
    }

    /// <summary>A body that only throws: nothing of the original's code is needed to compile against it.</summary>
    private static void Empty(MethodDefinition method)
    {
        method.Body = new MethodBody(method);
        var il = method.Body.GetILProcessor();
        il.Append(il.Create(OpCodes.Ldnull));
        il.Append(il.Create(OpCodes.Throw));
    }
}
